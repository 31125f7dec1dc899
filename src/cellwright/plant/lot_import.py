"""Importing a file of lots: what of it is done already, what the gate would say, and putting it before the gate."""

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.journal.audit import Author
from cellwright.journal.inbox import find_answers, load_marks
from cellwright.links.lotfile.columns import Problem
from cellwright.links.lotfile.lots import LotFile, read_lot_file
from cellwright.links.lotfile.pages import LotPage, cut_pages
from cellwright.model.answers import Reason, Refusal
from cellwright.model.commands import Submission
from cellwright.model.facts import LotsImported
from cellwright.model.plant import Plant
from cellwright.plant.gate import Gate
from cellwright.rules.imports import import_lots, imported_rows
from cellwright.rules.state import State
from cellwright.views.stock import LOTS
from cellwright.views.wip import COUNTERS

_SOURCE: Final = "cli"
_EPOCH_BYTES: Final = 8
_CODES_MAX: Final = 10_000


class FileToImport(Struct, frozen=True):
    """A file's lots in pages, what is wrong with it, and its identity at the gate."""

    name: str
    file: LotFile
    pages: list[LotPage]
    problems: list[Problem]

    @property
    def epoch(self) -> int:
        """The file's hash as a number: the same file is the same wish, whatever its name."""
        return int.from_bytes(self.file.sha256[:_EPOCH_BYTES]) >> 1

    @property
    def parents_count(self) -> int:
        """How many links to parents it has."""
        return sum(len(page.command.parents.lots) for page in self.pages)


class Standing(Struct, frozen=True):
    """How far the import of a file is: the numbers of its pages that are recorded, and the round that is next."""

    done: frozenset[int] = frozenset()
    round: int = 0


def open_file(path: Path) -> FileToImport:
    """Read a file and cut it into pages. Raises OSError when it cannot be read."""
    file = read_lot_file(path)
    pages, cyclic = cut_pages(file, path.name[:128])
    return FileToImport(path.name, file, pages, [*file.problems, *cyclic])


async def find_standing(connection: Connection, wanted: FileToImport) -> Standing:
    """Return what of a file was recorded before; each try of its pages is a round of sequence numbers."""
    count = len(wanted.pages)
    if not count:
        return Standing()
    sender = (_SOURCE, wanted.epoch)
    tried_count = (await load_marks(connection, [sender]))[sender]
    answers = await find_answers(connection, [(*sender, seq) for seq in range(1, tried_count + 1)])
    done = {(seq - 1) % count for (*_, seq), stored in answers.items() if not isinstance(stored.answer, Refusal)}
    return Standing(frozenset(done), -(-tried_count // count))


async def rehearse(
    connection: Connection, plant: Plant, wanted: FileToImport, standing: Standing, *, now_us: int
) -> list[Problem]:
    """Return what the gate would refuse of the pages that are left, at the plant's time `now_us`; nothing changes.

    Lots whose lines are wrong already say nothing more here.
    """
    pages = [page for number, page in enumerate(wanted.pages) if number not in standing.done]
    state = State(plant)
    state.load(await COUNTERS.load_page(connection))
    for codes in _chunks({code for page in pages for code in (*page.command.lots, *page.command.parents.lots)}):
        state.load(await LOTS.load_page(connection, "WHERE code = ANY ($1::text[])", codes))
    return [
        page.problem(reason)
        for page in pages
        for reason in _look(state, page, now_us)
        if not wanted.file.doubtful.intersection((reason.evidence.get("lot"), reason.evidence.get("parent")))
    ]


def _chunks(codes: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(codes)
    for first in range(0, len(ordered), _CODES_MAX):
        yield ordered[first : first + _CODES_MAX]


def _look(state: State, page: LotPage, now_us: int) -> Sequence[Reason]:
    """Return what is wrong with a page; its lots are there for the pages that follow, whatever is wrong with them."""
    command = page.command
    answer = import_lots(state, command, now_us).answer
    fresh = [index for index, code in enumerate(command.lots) if state.lot_by_code(code) is None]
    first = state.counter("lot") + 1
    if fresh:
        fact = LotsImported(
            lots=tuple(range(first, first + len(fresh))),
            codes=tuple(command.lots[index] for index in fresh),
            materials=tuple(command.materials[index] for index in fresh),
            measures=tuple(command.measures[index] for index in fresh),
            quantities=tuple(command.quantities[index] for index in fresh),
            remaining=(0,) * len(fresh),
        )
        state.load(imported_rows(fact))
    return answer.reasons if isinstance(answer, Refusal) else ()


async def submit(
    gate: Gate, wanted: FileToImport, standing: Standing, *, now_us: int, author: Author
) -> AsyncIterator[tuple[int, list[Problem]]]:
    """Put the pages that are left before the gate, one after another, up to the first that is refused.

    Yields of each how many lots were imported, and why they were not.
    """
    for number, page in _left(wanted.pages, standing):
        answer = await gate.submit(
            Submission(
                source=_SOURCE,
                epoch=wanted.epoch,
                seq=standing.round * len(wanted.pages) + number + 1,
                time_us=now_us,
                actor=author.actor,
                command=page.command,
            ),
            author,
        )
        if isinstance(answer, Refusal):
            yield 0, [page.problem(each) for each in answer.reasons]
            return
        yield len(page.command.lots), []


def _left(pages: Iterable[LotPage], standing: Standing) -> Iterator[tuple[int, LotPage]]:
    return ((number, page) for number, page in enumerate(pages) if number not in standing.done)
