"""`cellwright fleet`: what vehicles say by GB/T 32960."""

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click
import msgspec

from cellwright.cli.common import json_option, printable

if TYPE_CHECKING:
    from cellwright.links.gb32960.described import Described
    from cellwright.links.gb32960.frames import Decoded

_CHUNK_SIZE = 1 << 20
_BATCH = 2000
"""Frames that are written at a time."""


@click.group()
def fleet() -> None:
    """Vehicles on the road: what they say by GB/T 32960, editions 2016 and 2025."""


@fleet.command()
@click.argument("source", type=click.File("rb"), metavar="SOURCE")
@click.option("--hex", "is_hex", is_flag=True, help="SOURCE has one frame per line, as hexadecimal digits.")
@click.option(
    "--parquet",
    "parquet",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    default=None,
    help="Write the frames to this file as well, a row each.",
)
@json_option
def decode(source: BinaryIO, *, is_hex: bool, parquet: Path | None, as_json: bool) -> None:
    """Decode frames of GB/T 32960 from SOURCE, a file or - (standard input): a line each, in the order of the input.

    Without --hex SOURCE is a stream of bytes, as a vehicle or platform sends it; what lies between frames gets a line too. A
    frame with something wrong says what and where; what was not understood is kept as it was sent.
    """
    from cellwright.cli.fleet_table import FrameTable
    from cellwright.links.gb32960.described import describe

    frames = _hex_frames(source) if is_hex else _stream_frames(source)
    with FrameTable(parquet) as table:
        while batch := list(islice(frames, _BATCH)):
            described = [describe(each) for each in batch]
            table.add(batch, described)
            sys.stdout.buffer.write(b"".join(_json_line(each) if as_json else _line(each) for each in described))
            sys.stdout.buffer.flush()


def _hex_frames(source: BinaryIO) -> Iterator["Decoded"]:
    """Decode the frame of each line; empty lines are none."""
    from cellwright.links.gb32960.frames import Decoded, Problem, Status, decode_frame

    for number, line in enumerate(source, 1):
        text = line.strip().removeprefix(b"0x")
        if not text:
            continue
        try:
            raw = bytes.fromhex(text.decode("ascii"))
        except ValueError:
            told = Problem(Status.BAD_STRUCTURE, 0, f"line {number} is not hexadecimal; give pairs of 0-9 and a-f")
            yield Decoded(raw=line.rstrip(b"\r\n"), message=None, is_bcc_right=False, problems=(told,))
            continue
        yield decode_frame(raw)


def _stream_frames(source: BinaryIO) -> Iterator["Decoded"]:
    from cellwright.links.gb32960.frames import Decoded, Problem, Status, decode_frame
    from cellwright.links.gb32960.streams import Skipped, Splitter

    splitter = Splitter()

    def decoded(piece: bytes) -> Decoded:
        if not isinstance(piece, Skipped):
            return decode_frame(piece)
        told = Problem(Status.BAD_STRUCTURE, 0, f"{len(piece)} bytes belong to no frame: nothing right begins in them")
        return Decoded(raw=bytes(piece), message=None, is_bcc_right=False, problems=(told,))

    while chunk := source.read(_CHUNK_SIZE):
        yield from map(decoded, splitter.feed(chunk))
    yield from map(decoded, splitter.close())


def _json_line(described: "Described") -> bytes:
    return msgspec.json.encode(described) + b"\n"


def _line(described: "Described") -> bytes:
    """Return a frame in one line for people."""
    if described.edition is None:
        return f"{described.status}: {'; '.join(described.problems)}\n".encode()
    units = ", ".join(described.units) or "no units"
    parts = [
        described.time or "no time",
        printable(described.vin or "no VIN"),
        f"{described.edition} {described.command} ({described.answer})",
        units,
        described.status if not described.problems else f"{described.status}: {'; '.join(described.problems)}",
    ]
    return ("  ".join(parts) + "\n").encode()
