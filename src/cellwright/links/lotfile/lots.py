"""Lots of a file: rows of one code gathered, what they say of it read, and what contradicts found."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from cellwright.links.lotfile.columns import COLUMNS, OF_LOT, OF_PARENT, Problem, shown
from cellwright.links.lotfile.rows import Row, read_rows
from cellwright.model.quantities import Measure

_NEEDED: Final = tuple(name for name in OF_LOT if COLUMNS[name].required)


class ParentLine(Struct, frozen=True, kw_only=True):
    """A line that names a parent of a lot; stretches as in the file, None = nobody recorded that end."""

    line: int
    parent: str
    parent_start: int | None
    parent_end: int | None
    lot_start: int | None
    lot_end: int | None
    lane: int
    reversed: bool
    tolerance: int


class FileLot(Struct, kw_only=True):
    """A lot of a file, from its first line on; its parents in the order of their lines."""

    line: int
    lot: str
    material: str
    measure: Measure
    quantity: int
    remaining: int
    supplier: str
    made_at: int
    """UTC us; 0 = nobody knows."""
    parents: list[ParentLine] = []


class LotFile(Struct, frozen=True):
    """What a file says: lots by code in the order of their first lines, and everything that is wrong.

    Lots with a wrong cell are there too, with what an empty cell means; `doubtful` are their codes.
    """

    sha256: bytes
    lots: dict[str, FileLot]
    problems: list[Problem]
    doubtful: set[str]


def read_lot_file(path: Path) -> LotFile:
    """Return the lots of a file and its problems. Raises OSError when it cannot be read at all."""
    read = read_rows(path)
    found = LotFile(read.sha256, {}, list(read.problems), set())
    for row in read.rows:
        _add(found, row)
    return found


def _add(file: LotFile, row: Row) -> None:
    wrong: list[Problem] = []
    values = dict(_values(row, wrong))
    code = values["lot"]
    if not code:
        wrong += [] if any(each.column == "lot" for each in wrong) else [_missing(row, "lot")]
    elif code not in file.lots:
        wrong.extend(_missing(row, name) for name in _NEEDED if name not in row.cells)
        file.lots[code] = FileLot(line=row.line, **{name: values[name] for name in OF_LOT}, parents=[])
    else:
        wrong.extend(_contradictions(file.lots[code], row, values))
    if code and values["parent"]:
        file.lots[code].parents.append(ParentLine(line=row.line, **{name: values[name] for name in OF_PARENT}))
    elif code and "parent" not in row.cells:
        wrong.extend(_homeless(row))
    if wrong and code:
        file.doubtful.add(code)
    file.problems.extend(wrong)


def _values(row: Row, wrong: list[Problem]) -> Iterator[tuple[str, Any]]:
    """Yield the value of every column; a cell that cannot be read is a problem and counts as empty."""
    for name, column in COLUMNS.items():
        value = column.default
        if name in row.cells:
            try:
                value = column.read(row.cells[name])
            except ValueError as error:
                wrong.append(Problem(row.line, name, f"{shown(row.cells[name])} was found; expected {error}"))
        yield name, value


def _missing(row: Row, name: str) -> Problem:
    return Problem(row.line, name, f"this cell is empty; give the {name} on the first line of every lot")


def _contradictions(lot: FileLot, row: Row, values: Mapping[str, Any]) -> Iterator[Problem]:
    for name in OF_LOT[1:]:
        if name in row.cells and values[name] != getattr(lot, name):
            text = f"{shown(row.cells[name])} was found; line {lot.line} says otherwise of lot {lot.lot!r}: say it once"
            yield Problem(row.line, name, text)


def _homeless(row: Row) -> Iterator[Problem]:
    for name in OF_PARENT[1:]:
        if name in row.cells:
            yield Problem(
                row.line, name, f"{shown(row.cells[name])} was found without a parent; name the parent, or empty it"
            )
