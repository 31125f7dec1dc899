"""The texts of a PDF, read by the tables of its fonts: enough to see that what should be printed is printed."""

import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Final

_STREAM: Final = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_PAIR: Final = re.compile(rb"<([0-9A-Fa-f]+)> <([0-9A-Fa-f]+)>\n")
_SHOWN: Final = re.compile(rb"\[(.*?)\] ?TJ|(\((?:\\.|[^\\)])*\)|<[0-9A-Fa-f]*>) ?Tj", re.DOTALL)
_STRING: Final = re.compile(rb"\((?:\\.|[^\\)])*\)|<[0-9A-Fa-f]*>", re.DOTALL)
_ESCAPES: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def pdf_texts(pdf: bytes) -> list[str]:
    """Return all that a PDF prints, once by the table of each of its fonts; only the right one gives words."""
    streams = [_inflated(each) for each in _STREAM.findall(pdf)]
    tables = [_table(each) for each in streams if b"beginbfchar" in each or b"beginbfrange" in each]
    shown = [code for each in streams if b"BT" in each for code in _codes(each)]
    return ["".join(table.get(code, "") for code in shown) for table in tables]


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


def _table(stream: bytes) -> Mapping[int, str]:
    return {int(code, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for code, text in _PAIR.findall(stream)}


def _codes(stream: bytes) -> Iterator[int]:
    for several, single in _SHOWN.findall(stream):
        for each in _STRING.findall(several or single):
            text = _bytes_of(each)
            yield from (int.from_bytes(text[at : at + 2], "big") for at in range(0, len(text), 2))


def _bytes_of(string: bytes) -> bytes:
    if string.startswith(b"<"):
        return bytes.fromhex(string[1:-1].decode())
    return re.sub(
        rb"\\([0-7]{1,3}|.)",
        lambda found: bytes([int(found[1], 8)]) if found[1].isdigit() else _ESCAPES.get(found[1], found[1]),
        string[1:-1],
        flags=re.DOTALL,
    )
