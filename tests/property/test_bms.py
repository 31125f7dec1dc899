"""Software of any size, and any values, arrive in a BMS as they left."""

from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellwright.links.uds.commission import commission
from cellwright.links.uds.contract import BmsContract, Parameter, ValueKind
from cellwright.links.uds.keys import cmac_key
from cellwright.links.uds.outcome import Job
from cellwright.links.uds.session import Session
from cellwright.links.uds.values import ValueRefusedError, decode, encode, size_of
from cellwright.testing.bms import CONTRACT, PART, SECRET, bms_bench, image

NUMBERS = [ValueKind.U8, ValueKind.U16, ValueKind.U32, ValueKind.I16]
# The ends of blocks of 256 bytes and of ISO-TP frames, and anything between.
SIZES = st.integers(2, 1200) | st.sampled_from([2, 3, 5, 6, 7, 254, 255, 256, 257, 258, 511, 512, 513, 768])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SIZES)
def test_an_image_of_any_size_arrives(size: int) -> None:
    with bms_bench(f"size-{size}") as bench, Session(bench.bus, CONTRACT, cmac_key(SECRET)) as session:
        outcome = commission(session, Job(part_number=PART, image=image("V", size)))
        assert outcome.failure is None
        assert bench.bms.state.flash.software == image("V", size).data
        assert outcome.block_count == -(-size // 256)


@given(st.sampled_from(NUMBERS), st.sampled_from([1.0, 0.1, 0.001, 0.5]), st.data())
def test_numbers_are_decoded_as_they_were_encoded(kind: ValueKind, factor: float, data: st.DataObject) -> None:
    parameter = Parameter(name="x", did=1, kind=kind, factor=factor)
    bits = 8 * size_of(parameter)
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if kind is ValueKind.I16 else (0, (1 << bits) - 1)
    raw = data.draw(st.integers(low, high)).to_bytes(bits // 8, signed=kind is ValueKind.I16)
    assert encode(parameter, float(decode(parameter, raw))) == raw


@given(st.floats(), st.sampled_from(BmsContract().configuration))
def test_a_number_is_written_exactly_or_refused(value: float, parameter: Parameter) -> None:
    raw = None
    with suppress(ValueRefusedError):
        raw = encode(parameter, value)
    if raw is not None:
        assert abs(float(decode(parameter, raw)) - value) <= 1e-5 * max(1.0, abs(value))


@given(st.text(max_size=30))
def test_a_text_is_written_exactly_or_refused(value: str) -> None:
    parameter = BmsContract().pack_code
    try:
        raw = encode(parameter, value)
    except ValueRefusedError:
        assert not (value and value.isascii() and value.isprintable() and len(value) <= 24)
    else:
        assert len(raw) == 24
        assert decode(parameter, raw) == value.rstrip(" ")


@given(st.binary(max_size=40), st.sampled_from(BmsContract().configuration))
def test_any_bytes_are_decoded_to_words(raw: bytes, parameter: Parameter) -> None:
    words = decode(parameter, raw)
    assert words
    assert ("expected" in words) == (len(raw) != size_of(parameter))
