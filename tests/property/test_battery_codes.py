"""Codes by their fields: composing and parsing are inverse, and every impossible character is found at its place."""

import string
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from cellwright.model.codes import (
    BATTERY_TYPES,
    SECOND_USE_LENGTH,
    BatteryCode,
    NoteKind,
    compose_code,
    explain,
    parse_code,
    year_readings,
)
from cellwright.model.ids import CODE_LENGTH, CODE_YEARS, UnitKind, date_code, split_code

CAPITALS = string.digits + string.ascii_uppercase
KINDS = st.sampled_from(UnitKind)
DATES = st.dates(date(2011, 1, 1), date(2040, 12, 31))
WRONG = st.sampled_from(string.printable + "\u0661\u00b2\uff11\u0399")


def text_of(length: int) -> st.SearchStrategy[str]:
    return st.text(CAPITALS, min_size=length, max_size=length)


@st.composite
def battery_codes(draw: st.DrawFn) -> BatteryCode:
    day = draw(DATES)
    reuse = draw(st.none() | KINDS)
    return BatteryCode(
        manufacturer=draw(text_of(3)),
        kind=draw(KINDS),
        battery_type=draw(st.sampled_from(sorted(BATTERY_TYPES))),
        specification=draw(text_of(2)),
        traceability=draw(text_of(7)) if reuse is None else "",
        year_code="123456789ABCDEFGHJKLMNPRSTVWXY"[day.year - 2011],
        month=day.month,
        day=day.day,
        serial=draw(st.integers(0, 9_999_999)),
        reuse=reuse,
    )


@given(battery_codes())
def test_parsing_gives_back_what_was_composed(code: BatteryCode) -> None:
    text = compose_code(code)
    reading = parse_code(text)
    assert reading.code == code
    assert not reading.problems
    assert len(text) == (CODE_LENGTH if code.reuse is None else SECOND_USE_LENGTH)


@given(battery_codes())
def test_fields_are_the_whole_code_in_order(code: BatteryCode) -> None:
    fields = explain(code)
    text = compose_code(code)
    assert "".join(each.text for each in fields) == text
    assert all(text[each.position - 1 : each.position - 1 + each.length] == each.text for each in fields)
    assert all(each.meaning and each.table and each.value for each in fields)


@given(st.text(CAPITALS + "abc -", max_size=30))
def test_any_text_is_a_code_or_has_problems_inside_it(text: str) -> None:
    reading = parse_code(text)
    if reading.code is None:
        assert reading.problems
        assert not reading.warnings
        assert all(1 <= each.position <= len(text) + 1 for each in reading.problems)
    else:
        assert compose_code(reading.code) == text
        assert not reading.problems


@given(battery_codes(), st.data(), WRONG)
def test_one_impossible_character_is_found_at_its_place(code: BatteryCode, data: st.DataObject, wrong: str) -> None:
    text = compose_code(code)
    place = data.draw(st.integers(0, len(text) - 1))
    misread = text[:place] + wrong + text[place + 1 :]
    reading = parse_code(misread)
    if reading.code is None:
        assert len(reading.problems) == 1
        (problem,) = reading.problems
        assert problem.position <= place + 1 < problem.position + problem.length
        assert problem.kind in {NoteKind.CHARACTER, NoteKind.DATE}
    else:
        assert compose_code(reading.code) == misread
        assert misread == text or reading.code != code


@given(battery_codes(), st.data())
def test_a_lost_character_is_found(code: BatteryCode, data: st.DataObject) -> None:
    text = compose_code(code)
    place = data.draw(st.integers(0, len(text) - 1))
    reading = parse_code(text[:place] + text[place + 1 :])
    assert reading.code is None
    assert NoteKind.LENGTH in {each.kind for each in reading.problems}


@given(text_of(3), KINDS, st.integers(1_483_228_800_000_000, 2_240_000_000_000_000), st.integers(1, 9_999_999))
def test_what_the_block_arithmetic_prints_is_a_code(maker: str, kind: UnitKind, time_us: int, serial: int) -> None:
    design = f"{maker}{kind.value[0].upper()}B010000001"
    text = f"{design}{date_code(time_us)}{serial:07d}"
    reading = parse_code(text)
    assert reading.code is not None
    assert reading.code.year_code + date_code(time_us)[1:] == date_code(time_us)
    assert split_code(text) == (text[:17], serial)


@given(st.sampled_from(CODE_YEARS))
def test_years_are_said_once_and_a_warning_comes_with_a_second(character: str) -> None:
    years = [each.year for each in year_readings(character)]
    assert len(years) == len(set(years)) >= 1
    reading = parse_code(f"001CB01CW32700{character}110000001")
    kinds = [each.kind for each in reading.warnings]
    assert (NoteKind.YEAR_DIFFERS in kinds) == (len(years) > 1)
