"""Any command at all, with any content that decodes: an answer, never an exception; facts that survive the journal."""

from enum import EnumType
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from cellwright.model.answers import Answer, Refusal
from cellwright.model.commands import CheckIn, CheckOut, Command, LoadCarrier, Submission
from cellwright.model.facts import Envelope, Refused
from cellwright.rules.state import UnitRow
from cellwright.testing.flow import START_US, Driver, replay, rows_of

WORDS = (
    "",
    " ",
    "?",
    "tester",
    "QA1",
    "QA2",
    "quality",
    "hv_work",
    "WIND-01",
    "COAT-01",
    "ASM-01",
    "SEAL-01",
    "FORM-01",
    "MOD-01",
    "TRAY-01",
    "cathode",
    "separator",
    "foil",
    "can",
    "assemble",
    "wind",
    "coat",
    "seal",
    "SEP-1",
    "CAN-1",
    "WEB-000002",
    "WEB-000006",
    "WEB-1",
    "TRAY-1",
    "TRAY-7",
    "MAG-1",
    "cutter",
    "c" * 64,
    "-",
    "\u2066x",
    *(f"TESTCELL000001G11{serial:07d}" for serial in range(9)),
    "TESTMODU000001G110000001",
    '{"code":"x","product":"cell","operations":[]}',
)
NUMBERS = (0, 1, 2, 3, 8, 900, 1000, -1, 2**31, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), START_US)


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Return values of a field's type, taken from words and numbers that mean something here."""
    arguments = get_args(hint)
    if get_origin(hint) is tuple:
        return st.lists(values_of(arguments[0]), max_size=4).map(tuple)
    if isinstance(hint, EnumType):
        return st.sampled_from(list(hint))
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return structs_of(hint)
    if arguments:
        return st.one_of([values_of(each) for each in arguments])
    simple: dict[Any, st.SearchStrategy[Any]] = {
        str: st.sampled_from(WORDS),
        int: st.sampled_from(NUMBERS),
        bool: st.booleans(),
        float: st.floats(allow_nan=False, allow_infinity=False),
        type(None): st.none(),
    }
    return simple[hint]


def structs_of(kind: type[Any]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    return st.builds(kind, **{name: values_of(hints[name]) for name in kind.__struct_fields__})


COMMANDS: st.SearchStrategy[Any] = st.one_of([structs_of(kind) for kind in get_args(Command)])


def running_plant() -> Driver:
    """Return a plant in the middle of everything: lots open, cells winding, a tray in formation, a hold."""
    driver = Driver()
    driver.supply()
    driver.person("QA1", "quality")
    driver.person("QA2", "quality", qualification="hv_work")
    driver.tray(driver.sealed(2))
    driver.wait(900)
    driver.check_in("FORM-01", carrier="TRAY-1")
    driver.check_in("COAT-01", count=2)
    driver.check_in("ASM-01", units=driver.wind(2))
    driver.check_in("WIND-01", count=1)
    driver.wind(2)
    return driver


@given(st.lists(COMMANDS, min_size=1, max_size=6), st.sampled_from([0, 1, -(10**9), 2**62]), st.sampled_from(WORDS))
@settings(max_examples=400)
def test_any_command_is_answered(commands: list[Any], offset_us: int, actor: str) -> None:
    driver = running_plant()
    for command in commands:
        submission = Submission(source="s", epoch=1, seq=1, time_us=1, actor=actor, command=command)
        assert msgspec.json.decode(msgspec.json.encode(submission), type=Submission) == submission
        ready = (
            structs.replace(command, recipe_digest=driver.ask(command.station).recipe_digest)
            if isinstance(command, CheckIn)
            else command
        )
        answer = driver.submit(ready, actor=actor, time_us=driver.now_us + offset_us)
        assert msgspec.json.decode(msgspec.json.encode(answer), type=Answer) == answer
        if isinstance(answer, Refusal):
            assert answer.reasons
            assert [type(fact) for fact in driver.last_facts] == [Refused]
            assert driver.last_rows == []
    for envelope in driver.envelopes:
        assert msgspec.json.decode(msgspec.json.encode(envelope), type=Envelope) == envelope
    assert rows_of(replay(driver.plant, driver.envelopes)) == rows_of(driver.state)


@given(structs_of(CheckOut), st.sampled_from(["WIND-01", "ASM-01", "FORM-01", "COAT-01"]))
@settings(max_examples=400)
def test_any_report_of_what_is_really_running_is_answered(command: CheckOut, station: str) -> None:
    driver = running_plant()
    code = driver.state.code_of
    running = tuple(code(row.id) for row in driver.state.rows(UnitRow) if row.station == station)
    lots = ("WEB-000006", "WEB-000007") if station == "COAT-01" else ()
    report = structs.replace(command, station=station, operation="", carrier="", units=running, lots=lots)
    answer = driver.submit(report)
    assert isinstance(answer, Refusal) == (driver.last_rows == [])


@given(structs_of(LoadCarrier))
def test_any_loading_of_a_tray_is_answered(command: LoadCarrier) -> None:
    driver = running_plant()
    driver.submit(structs.replace(command, carrier="TRAY-7"))
    assert rows_of(replay(driver.plant, driver.envelopes)) == rows_of(driver.state)
