"""What the person at a station is told to do next: one thing, the most urgent."""

from typing import Any

import pytest
from msgspec import structs

from cellwright.model.equipment import Station
from cellwright.plant.stations import MachineSign
from cellwright.rules.job_rows import JobState
from cellwright.testing.plants import small_plant
from cellwright.views.line_work import OpenCall, OpenJob
from cellwright.views.stations import RunningPage, StationView
from cellwright.views.status import LoadedLot
from cellwright.web.pages.needs import needs_of, operations_at
from cellwright.web.pages.next_action import ActionKind, AtStation, current_job, next_action
from cellwright.web.pages.tiles import tile_of

PLANT = small_plant()
STATION = PLANT.stations["ASM-01"]
CAN = LoadedLot("ASM-01", "can", "CAN-1", "can", "count", 5, 4)
CALL = OpenCall("C-1", "ASM-01", "machine", "the press is stuck; free it", 1, "LINE")


def job(code: str, state: JobState, **fields: Any) -> OpenJob:
    given: dict[str, Any] = {
        "units": ("U-1", "U-2"),
        "members": (),
        "serves": "",
        "order": "",
        "dispatched_us": 1,
        "since_us": 1,
    }
    return OpenJob(job=code, station="ASM-01", operation="assemble", state=state, **(given | fields))


def here(
    *, station: Station = STATION, is_running: bool = False, sign: MachineSign | None = None, **fields: Any
) -> AtStation:
    running = (RunningPage("assemble", 1, "U-0", (), "", "", 1),) if is_running else ()
    view = StationView(
        station="ASM-01",
        operation="assemble",
        running=running,
        running_count=len(running),
        last_cycle_s=None,
        median_cycle_s=None,
        cycles_count=0,
        ok_count=0,
        ng_count=0,
        refused_count=0,
        last_refusal=None,
        last_fact_us=1,
        last_units=(),
    )
    given: dict[str, Any] = {"calls": (), "jobs": (), "loaded": (CAN,), "next_unit": ""}
    needs = needs_of(PLANT, operations_at(PLANT, station))
    return AtStation(station=station, tile=tile_of(station, view, 0, sign), needs=needs, **(given | fields))


def test_a_call_comes_before_everything() -> None:
    action = next_action(here(is_running=True, calls=(CALL,), loaded=()))
    assert (action.kind, action.text) == (ActionKind.CALL, CALL.text)


def test_a_silent_machine_is_seen_to_before_work_goes_on() -> None:
    assert next_action(here(is_running=True, sign=MachineSign(is_heard=False))).kind is ActionKind.OFFLINE


def test_what_is_in_the_station_comes_before_what_is_missing() -> None:
    assert next_action(here(is_running=True, loaded=())).code == "U-0"


@pytest.mark.parametrize("reserved_count", [5, 4])
def test_material_is_loaded_when_the_next_unit_would_find_none(reserved_count: int) -> None:
    action = next_action(here(loaded=(structs.replace(CAN, reserved=reserved_count),), next_unit="U-7"))
    kind = ActionKind.LOAD if reserved_count == CAN.remaining else ActionKind.BRING_NEXT
    assert action.kind is kind
    assert action.position == ("can" if kind is ActionKind.LOAD else "")


def test_a_job_that_was_not_read_back_is_waited_for() -> None:
    action = next_action(here(jobs=(job("J-1", JobState.DISPATCHED),), next_unit="U-7"))
    assert (action.kind, action.job) == (ActionKind.READ_BACK, "J-1")


def test_members_and_units_of_a_proved_job_are_brought() -> None:
    assert next_action(here(jobs=(job("J-1", JobState.PROVED),))).kind is ActionKind.BRING_UNITS
    joined = job("J-1", JobState.PROVED, units=(), members=("M-1", "M-2"))
    action = next_action(here(jobs=(joined,)))
    assert (action.kind, action.code, action.count) == (ActionKind.BRING_MEMBERS, "M-1", 2)


def test_a_dispatched_station_waits_for_its_order_whatever_stands_before_it() -> None:
    station = structs.replace(STATION, dispatched=True)
    assert next_action(here(station=station, next_unit="U-7")).kind is ActionKind.NO_JOB
    assert next_action(here(next_unit="U-7")).kind is ActionKind.BRING_NEXT
    assert next_action(here()).kind is ActionKind.NOTHING


def test_the_current_job_is_the_running_one_then_the_oldest_that_may_begin() -> None:
    old, proved = job("J-1", JobState.DISPATCHED), job("J-2", JobState.PROVED, dispatched_us=2)
    running = job("J-3", JobState.RUNNING, dispatched_us=3)
    assert current_job((old, proved, running)) is running
    assert current_job((old, proved)) is proved
    assert current_job(()) is None
