"""Frames of GB/T 32960: what is encoded is decoded, columns say what the scalar decoder says, and no bytes do harm."""

from typing import Any

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cellwright.links.gb32960 import decode_gb32960, encode_gb32960
from cellwright.links.gb32960.columns import Batch, ColumnDecoder, unit_keys
from cellwright.links.gb32960.described import describe
from cellwright.links.gb32960.fields import Value, Values
from cellwright.links.gb32960.frames import Decoded, Message, Status, bcc_of, decode_frame, is_bcc_right
from cellwright.links.gb32960.streams import Skipped, Splitter
from cellwright.testing.gb32960 import messages

_TO_MUTATE = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=5)


@given(messages())
def test_what_is_encoded_is_decoded(message: Message) -> None:
    frame = encode_gb32960(message)
    decoded = decode_frame(frame)
    assert decoded.message == message
    assert decoded.status is Status.OK
    assert decoded.is_bcc_right


@given(messages(), _TO_MUTATE, st.booleans())
def test_a_damaged_frame_is_told_and_never_raised(
    message: Message,
    places: list[tuple[int, int]],
    is_sealed: bool,  # noqa: FBT001 a drawn argument
) -> None:
    spoiled = bytearray(encode_gb32960(message))
    for place, byte in places:
        spoiled[place % len(spoiled)] = byte
    if is_sealed:
        spoiled[-1] = bcc_of(bytes(spoiled[2:-1]))
    frame = bytes(spoiled)
    decoded = decode_frame(frame)
    msgspec.json.encode(describe(decoded))
    if decoded.message is None or not is_bcc_right(frame):
        assert decoded.problems
    elif decoded.status in {Status.OK, Status.BAD_STRUCTURE, Status.UNKNOWN_UNIT}:
        assert encode_gb32960(decoded.message) == frame, "something of it was not kept"


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded(data: bytes) -> None:
    for head in (b"", b"##\x02\xfe", b"$$\x02\xfe"):
        msgspec.json.encode(describe(decode_frame(head + data)))


@given(st.lists(messages(), max_size=6), st.lists(st.integers(1, 400)), st.binary(max_size=30))
def test_a_stream_is_cut_as_its_frames_were_made(sent: list[Message], cuts: list[int], noise: bytes) -> None:
    noise = noise.replace(b"#", b"").replace(b"$", b"")
    frames = [encode_gb32960(each) for each in sent]
    stream = noise + noise.join(frames) + noise if noise else b"".join(frames)
    splitter, pieces, at = Splitter(), list[bytes](), 0
    for cut in [*cuts, len(stream)]:
        pieces += splitter.feed(stream[at : at + cut])
        at += cut
    pieces += splitter.close()
    assert [each for each in pieces if not isinstance(each, Skipped)] == frames
    assert b"".join(pieces) == stream


@given(st.binary(max_size=400), st.lists(st.integers(1, 50)))
def test_no_byte_of_a_stream_is_lost(data: bytes, cuts: list[int]) -> None:
    data = data.replace(b"\x01", b"##").replace(b"\x02", b"$$")
    splitter, pieces, at = Splitter(), list[bytes](), 0
    for cut in [*cuts, len(data)]:
        pieces += splitter.feed(data[at : at + cut])
        at += cut
    pieces += splitter.close()
    assert b"".join(pieces) == data


@given(st.lists(messages(only_reports=True), min_size=1, max_size=8), st.data())
def test_columns_say_what_the_scalar_decoder_says(sent: list[Message], data: st.DataObject) -> None:
    frames = [encode_gb32960(each) for each in sent]
    frames = data.draw(st.lists(st.sampled_from(frames), min_size=1, max_size=20))
    spoiled = data.draw(st.lists(st.integers(0, len(frames) - 1), max_size=3))
    for place in spoiled:
        frames[place] = frames[place][:-1] + bytes([frames[place][-1] ^ 1])
    decoder = ColumnDecoder()
    for _ in range(2):
        assert_same(decoder.decode(frames), decode_gb32960(frames))


def assert_same(batch: Batch, scalar: object) -> None:
    assert isinstance(scalar, list)
    met = set[int]()
    for place, decoded in batch.others:
        assert decoded == scalar[place]
        met.add(place)
    for group in batch.groups:
        columns = {path: group.raw(path) for path in group.layout.columns}
        for at, place in enumerate(group.rows.tolist()):
            assert place not in met
            met.add(place)
            expected = flattened(scalar[place])
            assert {path: plain(column[at]) for path, column in columns.items()} == expected
    assert met == set(range(len(scalar)))


def flattened(decoded: Decoded) -> dict[str, Any]:
    """Return the values of a report by the paths of columns; lists without items have no column."""
    message = decoded.message
    assert message is not None
    found: dict[str, Any] = {"time": list(bytes_of(message.values["time"]))}
    for key, unit in zip(unit_keys(message), message.units, strict=True):
        found |= flat(unit.values, key)
    return found


def flat(values: Values, prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        path = f"{prefix}.{name}"
        if isinstance(value, int):
            found[path] = value
        elif isinstance(value, bytes):
            found |= {path: list(value)} if value else {}
        elif value and isinstance(value[0], dict):
            for place, item in enumerate(value):
                assert isinstance(item, dict)
                found |= flat(item, f"{path}.{place}")
        elif value:
            found[path] = value
    return found


def bytes_of(value: Value) -> bytes:
    assert isinstance(value, bytes)
    return value


def plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
