"""Traces as built, as maintained and as of a time, against a plain reading of the facts, over a random past."""

import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from functools import partial

import asyncpg
import pytest

from cellwright.database.pool import connect
from cellwright.model.commands import (
    AssignCode,
    Command,
    Disassemble,
    Disposition,
    DispositionAction,
    InstallPack,
    RemovePack,
    ReplaceMember,
    ReturnUnits,
    ShipUnits,
)
from cellwright.model.facts import Assembled, Disassembled, PackInstalled, PackRemoved
from cellwright.model.ids import UnitKind
from cellwright.plant.check import check
from cellwright.rules.state import AssemblyRow, UnitRow, UnitStatus
from cellwright.testing.database import prepared_database
from cellwright.testing.deep_plant import Story, make_module, make_pack, tell_story
from cellwright.testing.replay import through_gate
from cellwright.testing.stories_whereabouts import SECOND_LIFE, VINS
from cellwright.views.subjects import (
    BUILT,
    MAINTAINED,
    AsOf,
    CodeKind,
    Moment,
    MomentError,
    TraceError,
    find_code,
    newest_us,
    read_moment,
)
from cellwright.views.trace import Trace, trace_backward, trace_forward, trace_vehicle

STEPS = 220


class Past:
    """Repairs, swaps and shipments at random, the sensible more often; a second or an hour lies between any two."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.story = tell_story()
        self.driver = self.story.driver
        self.driver.person("MEND", "maintenance")
        modules = [make_module(self.story, self.story.cells[first : first + 4], first) for first in range(4, 28, 4)]
        self.spent = make_module(self.story, self.story.cells[28:32], 28)
        self.packs = [self.story.pack, make_pack(self.story, modules[:2])]

    def run(self) -> None:
        self._do(Disassemble(units=(self.spent,), reason="for its cells"))
        for _ in range(STEPS):
            self.random.choice((self._swap_module, self._swap_cell, self._reuse, self._travel, self._travel))()
        self._do(AssignCode(units=(self.packs[1],), codes=(SECOND_LIFE,), reason="second use"))

    def _do(self, command: Command) -> None:
        self.driver.wait(self.random.choice((1, 3600)))
        self.driver.submit(command, actor="MEND")

    def _codes(self, kind: UnitKind, status: UnitStatus) -> list[str]:
        rows = (row for row in self.driver.state.rows(UnitRow) if row.kind is kind and row.status is status)
        return [self.driver.state.code_of(row.id) for row in rows if row.grade == "A" or kind is not UnitKind.CELL]

    def _swap(self, parents: list[str], spares: list[str]) -> None:
        if not parents or not spares:
            return
        parent = self.random.choice(parents)
        assembly = self.driver.state.page(AssemblyRow, [self.driver.unit(parent).id])[0]
        old = self.driver.state.code_of(self.random.choice(assembly.members))
        new = self.random.choice(spares)
        self._do(ReplaceMember(parent=parent, members=(old,), replacements=(new,), reason="chance"))

    def _swap_module(self) -> None:
        self._swap(self.packs, self._codes(UnitKind.MODULE, UnitStatus.FINISHED))

    def _swap_cell(self) -> None:
        spares = self._codes(UnitKind.CELL, UnitStatus.FINISHED)
        self._swap(self._codes(UnitKind.MODULE, UnitStatus.REMOVED), spares)

    def _reuse(self) -> None:
        kind = self.random.choice(list(UnitKind))
        units = self._codes(kind, UnitStatus.REMOVED)
        if units:
            unit = self.random.choice(units)
            self._do(Disposition(units=(unit,), action=DispositionAction.REUSE, reason="chance"))

    def _travel(self) -> None:
        pack, vehicle = self.random.choice(self.packs), self.random.choice(VINS)
        ago_us = self.random.choice((0, 0, 1_700_000_000))
        self._do(
            self.random.choice(
                (
                    InstallPack(packs=(pack,), vehicles=(vehicle,), times_us=(self.driver.now_us - ago_us,)),
                    InstallPack(packs=(pack,), vehicles=(vehicle,)),
                    RemovePack(packs=(pack,), reason="chance"),
                    RemovePack(packs=(pack,), times_us=(self.driver.now_us - ago_us,), reason="chance"),
                    ShipUnits(units=(pack,), partner="OEM-1"),
                    ReturnUnits(units=(pack,), reason="chance"),
                )
            )
        )


@dataclass
class Known:
    """Who is in whom and where, by reading facts one after another."""

    inside: dict[int, tuple[int, int]] = field(default_factory=dict)
    """By unit: parent and slot."""
    vehicles: dict[int, tuple[str, str]] = field(default_factory=dict)

    def members(self, parent: int) -> set[int]:
        direct = {unit for unit, (its_parent, _) in self.inside.items() if its_parent == parent}
        return direct.union(*(self.members(unit) for unit in direct)) if direct else set()

    def parents(self, unit: int) -> set[int]:
        if unit not in self.inside:
            return set()
        parent = self.inside[unit][0]
        return {parent, *self.parents(parent)}


def known_at(story: Story, time_us: int) -> Known:
    """Read all that had happened by then; vehicles by when it happened, not when it was told."""
    known = Known()
    for envelope in story.driver.envelopes:
        fact, happened = envelope.fact, envelope.recorded_us <= time_us
        match fact:
            case Assembled() if happened:
                slots = zip(fact.members, fact.slots, strict=True)
                known.inside.update((unit, (fact.parent, slot)) for unit, slot in slots)
            case Disassembled() if happened:
                for unit in fact.members:
                    del known.inside[unit]
            case PackInstalled():
                rows = zip(fact.packs, zip(fact.vehicles, fact.positions, strict=True), fact.times_us, strict=True)
                known.vehicles.update((pack, place) for pack, place, when_us in rows if when_us <= time_us)
            case PackRemoved():
                left = {pack for pack, when_us in zip(fact.packs, fact.times_us, strict=True) if when_us <= time_us}
                known.vehicles = {pack: place for pack, place in known.vehicles.items() if pack not in left}
            case _:
                pass
    return known


@pytest.fixture(scope="module", name="past")
def fixture_past() -> Past:
    past = Past(7)
    past.run()
    return past


@pytest.fixture(scope="module", name="url")
def fixture_url(past: Past) -> Iterator[str]:
    """A database in which a real gate did all of it."""
    with prepared_database(partial(through_gate, driver=past.driver)) as address:
        yield address


@pytest.fixture(name="connection")
async def fixture_connection(url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(url)
    yield opened
    await opened.close()


def units_of(past: Past, trace: Trace, *, but: str = "") -> set[int]:
    codes = {node.code for node in trace.nodes if node.level in list(UnitKind) and node.code != but}
    return {past.story.id_of(code) for code in codes}


def vehicles_in(trace: Trace) -> set[str]:
    return {node.code for node in trace.nodes if node.level == "vehicle"}


def times_of(past: Past) -> list[int]:
    """Every moment at which something happened, and those beside it."""
    moments = {envelope.recorded_us for envelope in past.driver.envelopes}
    for envelope in past.driver.envelopes:
        if isinstance(envelope.fact, PackInstalled | PackRemoved):
            moments.update(envelope.fact.times_us)
    return sorted({each + shift for each in moments for shift in (-1, 0, 1)})


def test_the_past_is_eventful(past: Past) -> None:
    facts = [envelope.fact for envelope in past.driver.envelopes]
    assert sum(isinstance(fact, Disassembled) for fact in facts) >= 20
    assert sum(isinstance(fact, PackRemoved) for fact in facts) >= 10
    assert {fact.vehicles[0] for fact in facts if isinstance(fact, PackInstalled)} == set(VINS)


async def test_the_tables_are_what_the_journal_says(connection: asyncpg.Connection, past: Past) -> None:
    report = await check(connection, past.driver.plant)
    assert report.equal, report


async def test_two_hundred_questions_are_answered_as_the_facts_say(connection: asyncpg.Connection, past: Past) -> None:
    chance, times = random.Random(1), times_of(past)
    units = [row for row in past.driver.state.rows(UnitRow) if row.status is not UnitStatus.WAITING]
    for _ in range(200):
        unit, time_us = chance.choice(units), chance.choice(times)
        known, moment = known_at(past.story, time_us), Moment(AsOf.DATE, time_us)
        code = past.driver.state.code_of(unit.id)
        down = await trace_backward(connection, unit.id, moment=moment)
        assert units_of(past, down, but=code) == known.members(unit.id), (code, time_us)
        up = await trace_forward(connection, unit.id, moment=moment)
        assert units_of(past, up, but=code) == known.parents(unit.id), (code, time_us)
        packs = {unit.id, *known.parents(unit.id)}
        assert vehicles_in(up) == {known.vehicles[pack][0] for pack in packs if pack in known.vehicles}, (code, time_us)
        assert (down.as_of, down.as_of_us) == (AsOf.DATE, time_us)


async def test_vehicles_are_traced_as_of_any_time(connection: asyncpg.Connection, past: Past) -> None:
    chance, times = random.Random(2), times_of(past)
    for _ in range(60):
        vin, time_us = chance.choice(VINS), chance.choice(times)
        known = known_at(past.story, time_us)
        packs = {pack for pack, (vehicle, _) in known.vehicles.items() if vehicle == vin}
        trace = await trace_vehicle(connection, vin, moment=Moment(AsOf.DATE, time_us))
        assert units_of(past, trace) == packs.union(*(known.members(pack) for pack in packs))
        assert trace.subject == vin
        assert next(iter(trace.levels)) == "vehicle"
        assert ("supplier_lot" in trace.levels) == bool(packs)


async def test_as_maintained_is_as_of_the_end(connection: asyncpg.Connection, past: Past) -> None:
    end = Moment(AsOf.DATE, past.driver.now_us)
    for code in (*past.packs, *past.story.modules, past.spent):
        number = past.story.id_of(code)
        now = await trace_backward(connection, number)
        assert (now.as_of, now.as_of_us) == (AsOf.MAINTAINED, None)
        assert units_of(past, now) == units_of(past, await trace_backward(connection, number, moment=end))
        ahead = await trace_forward(connection, number)
        assert vehicles_in(ahead) == vehicles_in(await trace_forward(connection, number, moment=end))
    for vin in VINS:
        now = await trace_vehicle(connection, vin, moment=MAINTAINED)
        assert now.levels == (await trace_vehicle(connection, vin, moment=end)).levels


async def test_as_built_is_what_was_first_complete(connection: asyncpg.Connection, past: Past) -> None:
    """A pack as it was stacked, a module as it was joined, whatever was replaced since."""
    births = {
        envelope.fact.parent: envelope
        for envelope in past.driver.envelopes
        if isinstance(envelope.fact, Assembled) and not envelope.fact.replaced
    }
    for code in (*past.packs, *past.story.modules, past.spent):
        number = past.story.id_of(code)
        birth = births[number]
        trace = await trace_backward(connection, number, moment=BUILT)
        assert (trace.as_of, trace.as_of_us) == (AsOf.BUILT, birth.recorded_us)
        assert units_of(past, trace, but=code) == known_at(past.story, birth.recorded_us).members(number)
        slots = {(link.consumed, link.place) for link in trace.links if link.made == code}
        assert isinstance(birth.fact, Assembled)
        expected = zip(birth.fact.members, birth.fact.slots, strict=True)
        assert {(past.driver.state.code_of(unit), f"slot {slot}") for unit, slot in expected} <= slots


async def test_as_first_built_in_going_up(connection: asyncpg.Connection, past: Past) -> None:
    """The first module of a cell, the first pack of that module, the first vehicle of that pack."""
    firsts: dict[int, int] = {}
    first_vehicles: dict[int, str] = {}
    for envelope in past.driver.envelopes:
        match envelope.fact:
            case Assembled() as fact:
                for unit in fact.members:
                    firsts.setdefault(unit, fact.parent)
            case PackInstalled() as fact:
                for pack, vehicle in zip(fact.packs, fact.vehicles, strict=True):
                    first_vehicles.setdefault(pack, vehicle)
            case _:
                pass
    for code in past.story.cells[:32]:
        expected: list[int] = []
        unit = past.story.id_of(code)
        while unit in firsts:
            unit = firsts[unit]
            expected.append(unit)
        trace = await trace_forward(connection, past.story.id_of(code), moment=BUILT)
        assert units_of(past, trace, but=code) == set(expected)
        assert vehicles_in(trace) == {first_vehicles[unit] for unit in expected if unit in first_vehicles}


async def test_a_vehicle_as_built_has_its_first_pack(connection: asyncpg.Connection, past: Past) -> None:
    facts = [envelope.fact for envelope in past.driver.envelopes if isinstance(envelope.fact, PackInstalled)]
    for vin in VINS:
        first = next(fact for fact in facts if fact.vehicles == (vin,))
        trace = await trace_vehicle(connection, vin, moment=BUILT)
        packs = {node.code for node in trace.nodes if node.level == "pack"}
        assert packs == {past.driver.state.code_of(first.packs[0])}


async def test_a_lot_is_traced_to_the_vehicles_its_cells_were_in(connection: asyncpg.Connection, past: Past) -> None:
    """Powder is in all cells, so it is in whatever vehicle held a pack at that time."""
    powder = past.story.id_of("POWDER-1")
    for time_us in random.Random(3).sample(times_of(past), 12):
        trace = await trace_forward(connection, powder, moment=Moment(AsOf.DATE, time_us))
        assert vehicles_in(trace) == {vehicle for vehicle, _ in known_at(past.story, time_us).vehicles.values()}
    levels = list((await trace_forward(connection, powder, moment=BUILT)).levels)
    assert levels[-3:] == ["module", "pack", "vehicle"]


async def test_codes_name_vehicles_and_units_of_second_use(connection: asyncpg.Connection, past: Past) -> None:
    found = await find_code(connection, f" {VINS[0]} ")
    assert (found.kind, found.code, found.number) == (CodeKind.VEHICLE, VINS[0], 0)
    found = await find_code(connection, SECOND_LIFE)
    assert (found.kind, found.number) == (CodeKind.UNIT, past.story.id_of(past.packs[1]))
    with pytest.raises(TraceError, match="no pack was ever in a vehicle of this VIN"):
        await find_code(connection, "LSVAA4182E2999999")


async def test_the_plants_clock_was_at_the_newest_fact(connection: asyncpg.Connection, past: Past) -> None:
    assert await newest_us(connection) == past.driver.envelopes[-1].recorded_us


# --- what a moment may be asked by --------------------------------------------------------------------

NOW_US = 1_773_165_095_821_385


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("", MAINTAINED),
        ("maintained", MAINTAINED),
        ("built", BUILT),
        ("2026-01-01", Moment(AsOf.DATE, 1_767_225_600_000_000)),
        ("2026-01-01T08:00", Moment(AsOf.DATE, 1_767_254_400_000_000)),
        ("2026-01-01T08:00+08:00", Moment(AsOf.DATE, 1_767_225_600_000_000)),
        ("2026-01-01 00:00:01.5Z", Moment(AsOf.DATE, 1_767_225_601_500_000)),
        ("1767225600000001", Moment(AsOf.DATE, 1_767_225_600_000_001)),
        (str(NOW_US), Moment(AsOf.DATE, NOW_US)),
    ],
)
def test_a_moment_is_read(text: str, moment: Moment) -> None:
    assert read_moment(text, NOW_US) == moment


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("2026-03-11", "it is 2026-03-10 17:51:35 UTC here; ask for a time up to now"),
        (str(NOW_US + 1), "ask for a time up to now"),
        ("9" * 18, "us since 1970 nothing is known yet"),
        ("yesterday", "write a time like 2026-03-01T14:05"),
        ("1767225600", "write a time like"),
        ("1969-12-31", "before 1970"),
        ("0001-01-01T00:00+14:00", "(before 1970|write a time like)"),
    ],
)
def test_what_is_no_moment_of_the_past_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(MomentError, match=complaint):
        read_moment(text, NOW_US)
