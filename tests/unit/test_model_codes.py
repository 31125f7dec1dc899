"""What printed codes say, by example."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from cellwright.cli.code import code as code_verb
from cellwright.model.codes import NoteKind, compose_code, explain, parse_code, year_readings
from cellwright.model.ids import CODE_LENGTH, UnitKind, date_code
from cellwright.model.ids import compose_code as code_of_block
from cellwright.plant.config import load_plant

GOOD = "001CB01CW32700GBT0000042"


def test_every_field_is_read() -> None:
    code = parse_code(GOOD).code
    assert code is not None
    assert (code.manufacturer, code.kind, code.battery_type) == ("001", UnitKind.CELL, "B")
    assert (code.specification, code.traceability) == ("01", "CW32700")
    assert (code.year, code.month, code.day, code.serial) == (2026, 11, 26, 42)
    assert code.reuse is None


# An example that Catena-X prints for TractionBatteryCode 2.0.0: sources differ about its year.
def test_a_published_example_is_read_with_its_doubt() -> None:
    reading = parse_code("X12MCPM27KLPCLX2M2382320")
    assert reading.code is not None
    assert [each.year for each in reading.code.years] == [2039, 2043]
    (warning,) = reading.warnings
    assert (warning.kind, warning.position) == (NoteKind.YEAR_DIFFERS, 15)
    assert "2039" in warning.text
    assert "2043" in warning.text


def test_a_second_use_code_has_no_traceability_and_ends_in_r_and_its_type() -> None:
    reading = parse_code("001PB01GBT0000042RM")
    assert reading.code is not None
    assert (reading.code.kind, reading.code.reuse, reading.code.traceability) == (UnitKind.PACK, UnitKind.MODULE, "")
    assert [each.name for each in explain(reading.code)][-2:] == ["reuse", "reuse_kind"]
    assert compose_code(reading.code) == reading.text


@pytest.mark.parametrize(
    ("character", "years"),
    [
        ("7", [2017]),
        ("G", [2026]),
        ("H", [2027]),
        ("J", [2028, 2029]),
        ("T", [2036, 2039]),
        ("V", [2037, 2038, 2041]),
        ("Y", [2040, 2044]),
        ("6", [2016, 2046]),
        ("U", [2037, 2040]),
        ("-", []),
    ],
)
def test_tables_of_years_agree_until_2027(character: str, years: list[int]) -> None:
    assert [each.year for each in year_readings(character)] == years


@pytest.mark.parametrize(
    ("text", "position", "length", "kind", "words"),
    [
        ("001XB01CW32700GBT0000042", 4, 1, NoteKind.CHARACTER, "C (cell), M (module) or P (pack)"),
        ("001CH01CW32700GBT0000042", 5, 1, NoteKind.CHARACTER, "A to G or Z"),
        ("001CB01CW32700UBT0000042", 15, 1, NoteKind.CHARACTER, "2037"),
        ("001CB01CW32700GDT0000042", 16, 1, NoteKind.CHARACTER, "A = 10"),
        ("001CB01CW32700GBI0000042", 17, 1, NoteKind.CHARACTER, "0 = 31"),
        ("001CB01CW32700GB00000042", 15, 3, NoteKind.DATE, "2026-11-31"),
        ("001CB01CW32700GBT00O0042", 20, 1, NoteKind.CHARACTER, "'O'"),
        ("001cB01CW32700GBT0000042", 4, 1, NoteKind.CHARACTER, "'c'"),
        ("\uff1001CB01CW32700GBT0000042", 1, 1, NoteKind.CHARACTER, "\\uff10"),
        ("001CB01CW32700GBT000042", 24, 1, NoteKind.LENGTH, "23 characters"),
        ("001CB01CW32700GBT000004213", 25, 2, NoteKind.LENGTH, "26 characters"),
        ("001PB01GBT0000042XM", 18, 1, NoteKind.CHARACTER, "second-use"),
        ("001PB01G2X0000042RP", 8, 3, NoteKind.DATE, "2026-02-29"),
        ("", 1, 1, NoteKind.LENGTH, "0 characters"),
    ],
)
def test_a_fault_names_its_place(text: str, position: int, length: int, kind: NoteKind, words: str) -> None:
    reading = parse_code(text)
    assert reading.code is None
    (problem,) = reading.problems
    assert (problem.position, problem.length, problem.kind) == (position, length, kind)
    assert words in problem.text


def test_every_fault_is_told_at_once() -> None:
    assert [each.position for each in parse_code("001XH01CW32700GDT000004O").problems] == [4, 5, 16, 24]


def test_a_leap_day_is_good_when_any_reading_of_the_year_has_it() -> None:
    # J is 2028 or 2029: the first has a 29th of February.
    assert parse_code("001CB01CW32700J2X0000001").code is not None


def test_letters_that_look_like_digits_and_serial_zero_are_warned_of() -> None:
    reading = parse_code("00OCB0ICQ32700GBT0000000")
    assert [(each.kind, each.position) for each in reading.warnings] == [
        (NoteKind.LOOK_ALIKE, 3),
        (NoteKind.LOOK_ALIKE, 7),
        (NoteKind.LOOK_ALIKE, 9),
        (NoteKind.SERIAL_ZERO, 18),
    ]


def test_the_codes_that_the_plant_prints_are_good_codes(checkout: Path) -> None:
    plant = load_plant(checkout / "plants" / "lfp32700")
    assert len(plant.products) == 3
    for product in plant.products.values():
        for day in (datetime(2026, 11, 26, tzinfo=UTC), datetime(2027, 10, 31, tzinfo=UTC)):
            prefix = product.design_part + date_code(int(day.timestamp()) * 1_000_000)
            reading = parse_code(code_of_block(prefix, 9_999_999))
            assert reading.code is not None
            assert not reading.warnings
            assert (reading.code.kind, reading.code.battery_type) == (product.kind, "B")
            assert (reading.code.year, reading.code.month, reading.code.day) == (day.year, day.month, day.day)


def test_the_verb_explains_each_field() -> None:
    answer = CliRunner().invoke(code_verb, [GOOD])
    assert answer.exit_code == 0
    assert answer.stdout.splitlines()[0] == f"{GOOD}: cell, made on 2026-11-26"
    assert "lithium iron phosphate (LFP)" in answer.stdout
    document = json.loads(CliRunner().invoke(code_verb, [GOOD, "--json"]).stdout)
    assert document["kind"] == "cell"
    assert sum(each["length"] for each in document["fields"]) == CODE_LENGTH


@pytest.mark.parametrize(
    "scanned",
    [
        f" {GOOD}\n",
        f"https://id.example.org/01/09506000134352/21/{GOOD}",
        f"(01)09506000134352(21){GOOD}",
        f"]C1{GOOD}",
    ],
)
def test_the_verb_takes_what_a_scanner_sends(scanned: str) -> None:
    answer = CliRunner().invoke(code_verb, [scanned])
    assert answer.exit_code == 0
    assert answer.stdout.startswith(f"{GOOD}: cell")


def test_the_verb_marks_what_is_wrong() -> None:
    answer = CliRunner().invoke(code_verb, ["001CB01CW32700GBZ0000O42"])
    assert answer.exit_code == 1
    lines = answer.stdout.splitlines()
    assert [index for index, mark in enumerate(lines[2]) if mark == "^"] == [2 + 16, 2 + 21]
    assert lines[3].startswith("character 17 is 'Z'")
