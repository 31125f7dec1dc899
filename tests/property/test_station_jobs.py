"""Columns of job orders say exactly the list they were made from, and never something that was not said."""

import pytest
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary
from asyncua.ua.uatypes import DataValue
from hypothesis import given
from hypothesis import strategies as st

from cellwright.links.contract import StationContractError
from cellwright.links.opcua.contract import BY_PATH, JOB_COLUMN_NODES, NodeSpec, ValueType
from cellwright.links.opcua.jobs import HeldJob, HeldState, StationJob, columns_of, held_of
from cellwright.links.opcua.serverside_jobs import JobMemory
from cellwright.links.opcua.values import Problem, Value, from_data_value, to_variant

codes = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12)
pages = st.lists(codes, max_size=5).map(tuple)
jobs = st.builds(StationJob, codes, st.one_of(st.just(""), codes), pages, pages, st.one_of(st.just(""), codes))
lists = st.lists(st.builds(HeldJob, jobs, st.sampled_from(HeldState)), max_size=6, unique_by=lambda each: each.job.job)


def over_the_wire(columns: dict[str, Value]) -> dict[str, Value]:
    """Return columns as a client gets them: as the bytes of a message and back."""
    arrived: dict[str, Value] = {}
    for path, value in columns.items():
        sent = DataValue(to_variant(BY_PATH[path], value))
        got = from_data_value(BY_PATH[path], struct_from_binary(DataValue, Buffer(struct_to_binary(sent))))
        assert not isinstance(got, Problem)
        arrived[path] = got
    return arrived


@given(lists)
def test_a_list_comes_back_as_it_was(held: list[HeldJob]) -> None:
    columns = columns_of(held)
    assert set(columns) == {spec.path for spec in JOB_COLUMN_NODES}
    assert held_of(over_the_wire(columns)) == tuple(held)


@given(lists.filter(bool), st.data())
def test_columns_of_which_an_entry_was_lost_are_refused(held: list[HeldJob], data: st.DataObject) -> None:
    columns = columns_of(held)
    path = data.draw(st.sampled_from(sorted(path for path, value in columns.items() if value)))
    value = columns[path]
    assert isinstance(value, tuple)
    lost = data.draw(st.integers(0, len(value) - 1))
    shorter = {**columns, path: (*value[:lost], *value[lost + 1 :])}
    with pytest.raises(StationContractError, match=r"expected|adds up to"):
        held_of(shorter)


@given(lists.filter(bool), st.integers(0, 5), st.integers(1, 3))
def test_counts_that_do_not_add_up_are_refused(held: list[HeldJob], row: int, more: int) -> None:
    columns = columns_of(held)
    counts = [len(each.job.units) for each in held]
    counts[row % len(counts)] += more
    with pytest.raises(StationContractError, match="Jobs/UnitCounts"):
        held_of({**columns, "Jobs/UnitCounts": tuple(counts)})
    counts[row % len(counts)] = -more
    with pytest.raises(StationContractError, match="negative number"):
        held_of({**columns, "Jobs/UnitCounts": tuple(counts)})


def shown(spec: NodeSpec) -> st.SearchStrategy[Value]:
    """What a column may hold once its type was checked."""
    if spec.type is ValueType.INT32:
        return st.lists(st.integers(-2, 3), max_size=3).map(tuple)
    return st.lists(st.sampled_from(["A", "B", "", "\n", "Running", "Ended"]), max_size=3).map(tuple)


@given(st.fixed_dictionaries({}, optional={spec.path: shown(spec) for spec in JOB_COLUMN_NODES}))
def test_whatever_a_machine_shows_is_a_list_or_a_fault_never_a_crash(columns: dict[str, Value]) -> None:
    try:
        held = held_of(columns)
    except StationContractError:
        return
    assert columns_of(held) == {**columns_of(()), **columns}


@given(lists.filter(lambda held: any(each.job.units for each in held)), st.sampled_from(["", "A\nB", "\x00", "\x7f"]))
def test_a_code_that_could_forge_a_digest_is_refused(held: list[HeldJob], forged: str) -> None:
    columns = columns_of(held)
    units = columns["Jobs/Units"]
    assert isinstance(units, tuple)
    with pytest.raises(StationContractError, match="Jobs/Units holds an empty code or one with control characters"):
        held_of({**columns, "Jobs/Units": (forged, *units[1:])})


@given(st.lists(st.tuples(st.sampled_from(["store", "cancel", "clear", "run", "end"]), jobs), max_size=20))
def test_a_memory_never_holds_an_id_twice_nor_forgets_what_runs(steps: list[tuple[str, StationJob]]) -> None:
    memory = JobMemory(4)
    running: dict[str, StationJob] = {}
    for step, job in steps:
        before = {each.job.job: each for each in memory.held()}
        if step == "store":
            is_done = memory.store_and_start(job).is_done
            assert is_done == (job in {each.job for each in memory.held()})
            assert {**before, **{each.job.job: each for each in memory.held()}}.items() >= before.items()
        elif step in {"cancel", "clear"}:
            (memory.cancel if step == "cancel" else memory.clear)(job.job)
        elif step == "run" and (following := memory.next_job()) is not None:
            memory.move(following.job, HeldState.RUNNING)
            running[following.job] = following
        elif step == "end" and running:
            memory.move(running.popitem()[0], HeldState.ENDED)
        held = {each.job.job: each.job for each in memory.held()}
        assert len(held) == len(memory.held()) <= 4
        assert held.items() >= running.items()
