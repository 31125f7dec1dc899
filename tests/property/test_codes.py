"""Printed codes: whatever is misread, no other reading is the same unit."""

import string

from hypothesis import given
from hypothesis import strategies as st

from cellwright.model.ids import SERIAL_LIMIT, UnitBlock, compose_code, date_code, split_code
from cellwright.rules.state import State
from cellwright.testing.plants import small_plant

DESIGNS = st.text(alphabet="0123456789ABCDEFGHJKLMNPRSTVWXY", min_size=14, max_size=14)
TIMES = st.integers(min_value=1_483_228_800_000_000, max_value=2_400_000_000_000_000)
SERIALS = st.integers(min_value=0, max_value=SERIAL_LIMIT - 1)


@given(DESIGNS, TIMES, SERIALS)
def test_composing_and_splitting_are_inverse(design: str, time_us: int, serial: int) -> None:
    prefix = design + date_code(time_us)
    assert split_code(compose_code(prefix, serial)) == (prefix, serial)


@given(DESIGNS, TIMES, SERIALS, st.integers(0, 23), st.sampled_from(string.printable + "\u0661\u00b2\uff11"))
def test_one_wrong_character_is_never_the_same_unit(
    design: str, time_us: int, serial: int, place: int, wrong: str
) -> None:
    prefix = design + date_code(time_us)
    state = State(small_plant())
    start = max(0, serial - 500)
    state.load([UnitBlock(id_from=7_000_000, count=1000, prefix=prefix, serial_from=start)])
    code = compose_code(prefix, serial)
    unit = state.unit_id(prefix, serial)
    assert state.code_of(unit) == code
    misread = code[:place] + wrong + code[place + 1 :]
    parts = split_code(misread)
    if misread != code and parts is not None:
        other = state.unit_id(*parts)
        assert other != unit
        assert not other or state.code_of(other) == misread


@given(st.text(max_size=30))
def test_any_text_is_split_or_none(text: str) -> None:
    parts = split_code(text)
    assert parts is None or compose_code(*parts) == text
