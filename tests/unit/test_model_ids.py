"""Unit ids and printed codes by example."""

from datetime import UTC, datetime

import pytest

from cellwright.model.ids import CODE_LENGTH, UnitBlock, UnitKind, compose_code, date_code, first_id, split_code
from cellwright.testing.flow import START_US

PREFIX = "TESTCELL000001G11"


def us(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, 12, tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("day", "code"),
    [
        ((2017, 1, 1), "711"),
        ((2019, 12, 31), "9C0"),
        ((2020, 10, 9), "AA9"),
        ((2026, 1, 10), "G1A"),
        ((2035, 7, 30), "S7Y"),
    ],
)
def test_date_code_leaves_out_letters_that_look_like_digits(day: tuple[int, int, int], code: str) -> None:
    assert date_code(us(*day)) == code


def test_date_codes_of_a_year_differ() -> None:
    day_us = 86400 * 1_000_000
    codes = {date_code(START_US + day * day_us) for day in range(365)}
    assert len(codes) == 365
    assert not set("".join(codes)) & set("IOQUZ")


@pytest.mark.parametrize(
    "code",
    [
        "",
        "A",
        PREFIX + "000000",
        PREFIX + "00000011",
        PREFIX + "00000x1",
        PREFIX + "-000001",
        PREFIX + "000001\u0661",
        PREFIX.lower() + "0000001",
        PREFIX[:-3] + "O11" + "0000001",
        PREFIX[:-2] + "D1" + "0000001",
        PREFIX[:-1] + "Z" + "0000001",
        PREFIX[:-1] + " " + "0000001",
    ],
)
def test_malformed_codes_are_none(code: str) -> None:
    assert split_code(code) is None


def test_code_has_24_characters_and_splits_again() -> None:
    code = compose_code(PREFIX, 42)
    assert len(code) == CODE_LENGTH
    assert split_code(code) == (PREFIX, 42)


def test_ids_of_kinds_and_lines_do_not_meet() -> None:
    starts = [first_id(kind, line) for kind in UnitKind for line in (1, 2, 16383)]
    gaps = [b - a for a, b in zip(sorted(starts), sorted(starts)[1:], strict=False)]
    assert min(gaps) >= 2**40
    assert max(starts) < 2**63


def test_block_is_known_by_prefix_and_first_serial() -> None:
    assert UnitBlock(id_from=1, count=2, prefix=PREFIX, serial_from=7).key == (PREFIX, 7)
