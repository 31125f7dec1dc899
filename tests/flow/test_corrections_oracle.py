"""Random corrections of a small plant: every answer against a walk over every edge, corrected cell by cell and piece by piece."""

from collections.abc import AsyncIterator, Iterator
from random import Random
from typing import Any, Final

import numpy as np
import pytest

from cellwright.database.pool import Connection, connect
from cellwright.model.answers import Answer, Receipt
from cellwright.model.commands import AddPerson, Command, Submission
from cellwright.model.correction_commands import CorrectParts, CorrectRuns
from cellwright.plant.gate import Gate
from cellwright.rules.spans import ids_of
from cellwright.testing.gates import make_gate
from cellwright.testing.plant_walk import Part, PlantWalk, Run
from cellwright.testing.plant_year import PlantYear
from cellwright.testing.plant_year_runs import KINDS, START_US
from cellwright.testing.plant_year_small import small_plant, without_tolerances
from cellwright.testing.plant_year_store import lot_code, store_plant_year, store_units, unit_codes
from cellwright.testing.plants import small_plant as tiny_plant
from cellwright.views.origins import find_origins
from cellwright.views.spread import Section, find_spread

pytestmark = pytest.mark.timeout(300)

CELLS: Final = 20_000
SWAPS: Final = 25
SHIFTS: Final = 10
PIECES: Final = 20
QUESTIONS: Final = 60
SLACK_MM: Final = 4
"""Cut and stretched runs are one mm less sure; two of them, and a stretch between, are on the way to a roll."""


class CorrectedWalk(PlantWalk):
    """A walk that is told the corrections, one cell and one piece after another."""

    def retake(self, cell: int, old: Run, new: Run) -> None:
        """A cell took its share of another run."""
        self._runs[cell][self._runs[cell].index(old)] = new
        self._move(old.lot, new.lot, cell)

    def remake(self, old: Part, new: Part) -> None:
        """A piece of a lot came from elsewhere."""
        self._parts[old.child][self._parts[old.child].index(old)] = new
        self._move(old.parent, new.parent, new.child)

    def _move(self, old: int, new: int, made: int) -> None:
        self._made.steady[old].remove(made)
        self._consumed.steady[made].remove(old)
        self._join(new, made)


class Corrector:
    """Gives random corrections to the gate and to the walk."""

    def __init__(self, year: PlantYear, gate: Gate, random: Random) -> None:
        self.walk = CorrectedWalk(year)
        self.lots: set[int] = set()
        self.cells: set[int] = set()
        self._year = year
        self._gate = gate
        self._random = random
        self._seq = 0

    async def give(self, command: Command) -> Answer:
        self._seq += 1
        submission = Submission(source="test", epoch=1, seq=self._seq, time_us=1, actor="QA1", command=command)
        return await self._gate.submit(submission)

    async def must(self, command: Command) -> None:
        answer = await self.give(command)
        assert isinstance(answer, Receipt), (command, answer)

    async def swap(self, kind: int, one: Run, other: Run) -> None:
        """Some units of two runs took of each other's lots; alone, each half is refused."""
        count = min(one.b - one.a, other.b - other.a) + 1
        first = self._random.randrange(count)
        last = self._random.randrange(first, count)
        slices = [cut(run, first, last) for run in (one, other)]
        targets = [slices[1], slices[0]]
        order = self._order(kind, slices, targets)
        alone = await self.give(self._order(kind, slices[:1], targets[:1]))
        assert not isinstance(alone, Receipt)
        await self.must(order)
        self._retake(one, slices[0], slices[1])
        self._retake(other, slices[1], slices[0])

    async def shift(self, kind: int, run: Run, spare: int) -> None:
        """The counter was off: all units of the last run of a lot took what lies further on."""
        amount = self._random.randint(1, spare)
        moved = run._replace(start=run.start + amount, end=run.end + amount)
        order = self._order(kind, [run], [moved], is_stretched=False)
        await self.must(order)
        self._retake(run, run, moved)

    def _retake(self, run: Run, old: Run, new: Run) -> None:
        for cell in range(old.a, old.b + 1):
            self.walk.retake(cell, run, Run(old.a, old.b, new.lot, new.start, new.end))
        self.lots |= {run.lot, new.lot}
        self.cells |= set(range(old.a, old.b + 1))

    def _order(self, kind: int, slices: list[Run], targets: list[Run], *, is_stretched: bool = True) -> CorrectRuns:
        def codes(ids: list[int]) -> tuple[str, ...]:
            return tuple(unit_codes(self._year, ids))

        return CorrectRuns(
            position=KINDS[kind].code,
            firsts=codes([each.a for each in slices]),
            lasts=codes([each.b for each in slices]),
            recorded=tuple(lot_code(each.lot) for each in slices),
            lots=tuple(lot_code(each.lot) for each in targets),
            starts=tuple(each.start for each in targets),
            ends=tuple(each.end for each in targets) if is_stretched else (),
            reason="mistaken for each other",
            second_person="QA2",
        )

    async def piece(self, part: Part) -> None:
        """A piece ran the other way round, or in another lane."""
        is_turned = self._random.random() < 0.5
        lane = part.lane % 3 + 1
        new = part._replace(is_reversed=not part.is_reversed) if is_turned else part._replace(lane=lane)
        changed: dict[str, Any] = {"reversed": (new.is_reversed,)} if is_turned else {"lanes": (new.lane,)}
        await self.must(self._parts([part], **changed))
        self.walk.remake(part, new)
        self.lots |= {part.child, part.parent}

    async def swap_pieces(self, one: Part, other: Part) -> None:
        """Two lots were made of each other's parents."""
        pairs = [(one, other), (other, one)]
        new = [
            old._replace(parent=far.parent, parent_start=far.parent_start, parent_end=far.parent_end, lane=far.lane)
            for old, far in pairs
        ]
        command = self._parts(
            [one, other],
            parents=tuple(lot_code(each.parent) for each in new),
            starts=tuple(each.parent_start for each in new),
            ends=tuple(each.parent_end for each in new),
            lanes=tuple(each.lane for each in new),
        )
        await self.must(command)
        for old, far in zip((one, other), new, strict=True):
            self.walk.remake(old, far)
        self.lots |= {one.parent, other.parent, one.child, other.child}

    def _parts(self, parts: list[Part], **changed: Any) -> CorrectParts:
        return CorrectParts(
            lots=tuple(lot_code(part.child) for part in parts),
            numbers=tuple(part.number for part in parts),
            reason="wrong label",
            second_person="QA2",
            **changed,
        )


def cut(run: Run, first: int, last: int) -> Run:
    """The first-th to last-th unit of a run, where positions are whole numbers."""
    count, length = run.b - run.a + 1, run.end - run.start
    start, end = (run.start + round(length * index / count) for index in (first, last + 1))
    return Run(run.a + first, run.a + last, run.lot, start, end)


def run_of(row: Any) -> Run:
    return Run(*(int(row[name]) for name in ("a", "b", "lot", "pos_a", "pos_b")))


def swaps(year: PlantYear, random: Random) -> Iterator[tuple[int, Run, Run]]:
    """Pairs of runs of one kind on different lots, each run once."""
    by_kind: dict[int, list[Run]] = {}
    for row in year.runs[year.runs["layer"] == 0]:
        by_kind.setdefault(int(row["kind"]), []).append(run_of(row))
    for runs in by_kind.values():
        random.shuffle(runs)
    while True:
        kind = random.choice(sorted(by_kind))
        runs = by_kind[kind]
        if len(runs) >= 2:
            one, other = runs.pop(), runs.pop()
            if one.lot != other.lot:
                yield kind, one, other


def shifts(year: PlantYear, taken: set[int]) -> Iterator[tuple[int, Run, int]]:
    """The last runs of lots that have something to spare, of which nothing was corrected yet."""
    quantity_of = dict(zip(year.lots["number"].tolist(), year.lots["quantity"].tolist(), strict=True))
    ends: dict[int, Any] = {}
    for row in year.runs[year.runs["layer"] == 0]:
        lot = int(row["lot"])
        if lot not in ends or row["pos_b"] > ends[lot]["pos_b"]:
            ends[lot] = row
    for lot, row in ends.items():
        spare = quantity_of[lot] - int(row["pos_b"])
        if spare > 0 and lot not in taken:
            yield int(row["kind"]), run_of(row), spare


def reel_parts(year: PlantYear, random: Random) -> list[Part]:
    reels = [year.blocks[f"{electrode}_reel"] for electrode in ("cathode", "anode")]
    found = [
        Part(*part)
        for part in year.parts.tolist()
        if any(each.first <= part[0] < each.first + each.count for each in reels)
    ]
    random.shuffle(found)
    return found


@pytest.fixture(name="corrector", params=[1, 2])
async def fixture_corrector(database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Corrector]:
    year = without_tolerances(small_plant(CELLS, seed=request.param))
    connection = await connect(database_url)
    await store_plant_year(connection, year)
    await store_units(connection, year)
    await connection.close()
    random = Random(request.param)
    async with make_gate(database_url, tiny_plant(), lambda: START_US) as gate:
        corrector = Corrector(year, gate, random)
        for person in ("QA1", "QA2"):
            await corrector.must(AddPerson(person=person, roles=("quality",)))
        await correct_at_random(corrector, year, random)
        yield corrector


async def correct_at_random(corrector: Corrector, year: PlantYear, random: Random) -> None:
    pairs = swaps(year, random)
    for _ in range(SWAPS):
        await corrector.swap(*next(pairs))
    free = list(shifts(year, corrector.lots))
    for kind, run, spare in random.sample(free, min(SHIFTS, len(free))):
        await corrector.shift(kind, run, spare)
    parts = reel_parts(year, random)
    for part in parts[:PIECES]:
        await corrector.piece(part)
    rest = parts[PIECES : 3 * PIECES]
    sizes: dict[tuple[int, int], list[Part]] = {}
    for part in rest:
        sizes.setdefault((part.parent_end - part.parent_start, part.child_end - part.child_start), []).append(part)
    for alike in sizes.values():
        for one, other in zip(alike[::2], alike[1::2], strict=False):
            if one.parent != other.parent:
                await corrector.swap_pieces(one, other)


async def test_answers_after_random_corrections_are_what_a_corrected_walk_finds(
    corrector: Corrector, database_url: str
) -> None:
    connection = await connect(database_url)
    assert await connection.fetchval("SELECT count(*) FROM record_correction") > SWAPS + PIECES
    assert await connection.fetchval("SELECT count(*) FROM lot WHERE remaining < 0 OR remaining > quantity") == 0
    await ask_forward(connection, corrector, Random(5))
    await ask_backward(connection, corrector, Random(6))
    await connection.close()


async def ask_forward(connection: Connection, corrector: Corrector, random: Random) -> None:
    """Nothing is missed; what is named too much lies within the tolerance of what was cut."""
    found = 0
    lots = sorted(corrector.lots)
    quantity_of = {row["id"]: row["quantity"] for row in await connection.fetch("SELECT id, quantity FROM lot")}
    for _ in range(QUESTIONS):
        lot = random.choice(lots)
        start = random.randrange(quantity_of[lot])
        end = random.randint(start + 1, min(quantity_of[lot], start + max(1, quantity_of[lot] // 20)))
        lane = random.choice((0, 0, 1, 2, 3))
        spread = await find_spread(connection, Section(lot=lot, start=start, end=end, lane=lane))
        cells = set(ids_of(spread.units).tolist())
        exact = corrector.walk.cells_on(lot, start, end, lane=lane)
        assert exact <= cells, (lot, start, end, lane)
        if cells != exact:
            assert cells <= corrector.walk.cells_on(lot, start - SLACK_MM, end + SLACK_MM, lane=lane)
        found += len(exact)
    assert found > 1000


async def ask_backward(connection: Connection, corrector: Corrector, random: Random) -> None:
    cells = sorted(corrector.cells)
    for cell in random.sample(cells, 25):
        lots = {place.lot for place in corrector.walk.places_of(cell)}
        origins = await find_origins(connection, cell)
        assert lots <= set(origins.lots.tolist())
        near = np.setdiff1d(origins.lots, sorted(lots))
        assert len(near) <= 4, "an edge may lie within the tolerance of a neighbour"
