"""A file of lots as pages for the gate: parents before children, and the way back from a refusal to its line."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from cellwright.links.lotfile.columns import Problem
from cellwright.links.lotfile.lots import FileLot, LotFile, ParentLine
from cellwright.model.answers import Reason
from cellwright.model.commands import ImportLots, Parents
from cellwright.rules.imports import cycle_text, sort_by_parents

_LOTS_MAX: Final = 400
_PARENTS_MAX: Final = 2000
"""So many lots and parents go into a page; the same file must be cut the same way for ever, or it is another one."""

_COLUMNS: Final[Mapping[str, str]] = {
    "lots": "lot",
    "materials": "material",
    "measures": "measure",
    "quantities": "quantity",
    "remaining": "remaining",
    "suppliers": "supplier",
    "made_us": "made_at",
    "parents.lots": "parent",
    "parents.starts": "parent_start",
    "parents.ends": "parent_end",
    "parents.output_starts": "lot_start",
    "parents.output_ends": "lot_end",
    "parents.lanes": "lane",
    "parents.tolerances": "tolerance",
}


class LotPage(Struct, frozen=True):
    """A page of a file: the command, and the line of each of its lots and parents."""

    command: ImportLots
    lot_lines: tuple[int, ...]
    parent_lines: tuple[int, ...]

    def problem(self, reason: Reason) -> Problem:
        """Return a reason of the gate at its place in the file; one that names no column is about the whole file."""
        name, row = str(reason.evidence.get("column", "")), int(reason.evidence.get("row") or 0)
        if name not in _COLUMNS:
            return Problem(0, "", reason.text)
        lines = self.parent_lines if name.startswith("parents.") else self.lot_lines
        return Problem(lines[row], _COLUMNS[name], reason.text)


def cut_pages(file: LotFile, origin: str) -> tuple[list[LotPage], list[Problem]]:
    """Return the pages of a file, parents first, and a problem for each cycle; links in a cycle are left out."""
    problems: list[Problem] = []
    order, cycles = _sort(file.lots)
    while cycles:
        problems.extend(_cycle_problem(file.lots, cycle) for cycle in cycles)
        _open(file.lots, cycles)
        order, cycles = _sort(file.lots)
    return [_page(lots, origin) for lots in _grouped(file.lots[code] for code in order)], problems


def _sort(lots: Mapping[str, FileLot]) -> tuple[list[str], list[list[str]]]:
    return sort_by_parents({code: [each.parent for each in lot.parents] for code, lot in lots.items()})


def _open(lots: Mapping[str, FileLot], cycles: Iterable[Sequence[str]]) -> None:
    """Take out the links of cycles, so that all other lots can be looked at."""
    for cycle in cycles:
        for code in cycle:
            lots[code].parents = [each for each in lots[code].parents if each.parent not in cycle]


def _cycle_problem(lots: Mapping[str, FileLot], cycle: Sequence[str]) -> Problem:
    line = next(each.line for each in lots[cycle[0]].parents if each.parent == cycle[1 % len(cycle)])
    return Problem(line, "parent", cycle_text(cycle))


def _grouped(lots: Iterable[FileLot]) -> list[list[FileLot]]:
    """Return lots in groups that fit into a page; one with too many parents stands alone, and is refused."""
    groups: list[list[FileLot]] = []
    parents_count = 0
    for lot in lots:
        parents_count += len(lot.parents)
        if not groups or len(groups[-1]) == _LOTS_MAX or parents_count > _PARENTS_MAX:
            groups.append([])
            parents_count = len(lot.parents)
        groups[-1].append(lot)
    return groups


def _page(lots: Sequence[FileLot], origin: str) -> LotPage:
    links = [(index, link) for index, lot in enumerate(lots) for link in lot.parents]
    command = ImportLots(
        lots=tuple(lot.lot for lot in lots),
        materials=tuple(lot.material for lot in lots),
        measures=tuple(lot.measure for lot in lots),
        quantities=tuple(lot.quantity for lot in lots),
        remaining=tuple(lot.remaining for lot in lots),
        suppliers=tuple(lot.supplier for lot in lots),
        made_us=tuple(lot.made_at for lot in lots),
        parents=_parents(links),
        origin=origin,
    )
    return LotPage(command, tuple(lot.line for lot in lots), tuple(link.line for _, link in links))


def _parents(links: Sequence[tuple[int, ParentLine]]) -> Parents:
    return Parents(
        lots=tuple(link.parent for _, link in links),
        outputs=tuple(output for output, _ in links),
        starts=tuple(link.parent_start for _, link in links),
        ends=tuple(link.parent_end for _, link in links),
        output_starts=tuple(link.lot_start for _, link in links),
        output_ends=tuple(link.lot_end for _, link in links),
        lanes=tuple(link.lane for _, link in links),
        reversed=tuple(link.reversed for _, link in links),
        tolerances=tuple(link.tolerance for _, link in links),
    )
