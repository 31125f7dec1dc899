"""Electrode making: mixer, coater, calender and slitter of one side, and the demand that drives them."""

from msgspec import structs

from cellwright.links.opcua.contract import Kind
from cellwright.sim.catalogue import (
    COATED_WIDTH_M,
    HEEL_RATIO,
    HOUR_S,
    LANES,
    Side,
)
from cellwright.sim.clock import Buffer, PlantStoppedError
from cellwright.sim.gauges import NOTHING_SEEN, gauged
from cellwright.sim.lots import Counter, Lot, Part, Span
from cellwright.sim.machine import Ask, Reply
from cellwright.sim.process import (
    MG_PER_G,
    MM_PER_M,
    STRETCH_RATIO,
    apply_flaws,
    areal_map,
    batch_mass_mg,
    calendered_parts,
    carry_over,
    coating_flaws,
    doses_mg,
    is_knife_due,
    knife_burr_um,
    slit_parts,
    slit_pieces,
    slurry_mass_mg,
    slurry_traits,
)
from cellwright.sim.randoms import bounded
from cellwright.sim.station import LOT_CODES, Position, Row, Station, with_results, with_rows
from cellwright.sim.supply import Receiving
from cellwright.sim.world import World

_MIX_S = 3 * HOUR_S
_TANK_REST_MG = 200_000.0
"""Slurry that stays in pump and pipe of a coater."""
_HEEL_REST_MG = 50_000.0
_POT_LIFE_S = 20 * HOUR_S
_WEB_MM_PER_S = 500.0
_LEADER_MM = 1000.0
_TRAILER_MM = 500.0
_SETUP_S = 300.0
_US_PER_S = 1_000_000
_CARRIED_TRAITS = ("particles", "moisture", "capacity", "burr_um")


class LotStation(Station):
    """A station that makes lots: asks for their codes, reports parts, quantities and results."""

    async def open_lots(self, count: int, *, give_up: frozenset[str] = frozenset()) -> Reply:
        """Ask to make `count` lots; the answer has their codes."""
        return await self.persist(Ask(kind=Kind.CHECK_IN, count=count), give_up=give_up)

    async def finish(
        self, lots: list[Lot], rows: list[Row], measured: list[dict[str, float]], seen: Ask = NOTHING_SEEN
    ) -> None:
        """Report finished lots. One that the MES does not let through is refused when it is loaded next."""
        ask = structs.replace(
            seen,
            lots=tuple(lot.code for lot in lots),
            quantity=tuple(lot.booked for lot in lots),
        )
        ask = with_results(with_rows(ask, rows, is_lot=True), self.operation, measured)
        for lot in lots:
            self.world.lots[lot.code] = lot
        reply = await self.report(ask)
        if not reply.accepted:
            raise PlantStoppedError(f"{self.code}: the report of {ask.lots} was refused: {'; '.join(reply.texts)}")

    def web_reading(self, counter: Counter, length_mm: float) -> int:
        """Return a length (mm) as the output counter has it."""
        counter.reset()
        return counter.read(length_mm)


def lot_row(output: int, span: Span, booked: int, *, is_reversed: bool) -> Row:
    """Return the report of a stretch that became a whole output lot."""
    return Row(output, span.position, span.counted_start, span.counted_end, 0, booked, 0, is_reversed)


def lot_part(span: Span, size: float, *, is_reversed: bool) -> Part:
    """Return the truth of a stretch that became a whole lot."""
    return Part(span.lot.code, span.position, span.start, span.end, 0.0, size, 0, is_reversed)


class Mixer(LotStation):
    """Blends powders, solvent and the heel of the last batch into slurry."""

    def __init__(self, world: World, side: Side, receiving: Receiving) -> None:
        """Stand at the mixer of a side."""
        materials = {powder.position: powder.material for powder in side.powders} | {"solvent": side.solvent}
        positions = [Position(name, "mg", receiving.source(material)) for name, material in materials.items()]
        heel = Position("heel", "mg", self._no_heel)
        super().__init__(world, f"MIX-{side.letter}1", f"mix_{side.name}", [*positions, heel])
        self._side = side

    async def _no_heel(self) -> Lot:
        raise PlantStoppedError(f"{self.code}: there is no second heel to load")

    async def change(self, name: str) -> None:
        """Put the next lot on a position; a heel that is refused is only taken away."""
        if name == "heel":
            await self.unload(name)
        else:
            await super().change(name)

    async def mix(self, mass_mg: float, heel: Lot | None) -> Lot:
        """Make a batch of about `mass_mg` (mg), using up the heel of the last one."""
        heel_mg = 0.0 if heel is None else max(0.0, heel.left - _HEEL_REST_MG)
        doses = doses_mg(self._side, mass_mg - heel_mg)
        for name, dose_mg in doses.items():
            await self.ensure(name, dose_mg * 1.01)
        if heel is not None and heel_mg > 0.0:
            await self.load("heel", heel)
        reply = await self.open_lots(1)
        await self.work_for(_MIX_S)
        spans = [self.feeds[name].take(dose * (1 + bounded(self.random, 1e-3, 3e-3))) for name, dose in doses.items()]
        if "heel" in self.feeds:
            spans.append(self.feeds["heel"].take(heel_mg))
        batch = self._blend(reply.lots[0], spans)
        rows = [lot_row(0, span, batch.booked, is_reversed=False) for span in spans]
        measured = {name: batch.traits[name] for name in ("viscosity_mpas", "solids_ratio")}
        await self.finish([batch], rows, [measured])
        await self.unload("heel")
        return batch

    def _blend(self, code: str, spans: list[Span]) -> Lot:
        size = sum(span.length for span in spans)
        dry_mg = sum(span.length * self._dry_ratio(span) for span in spans)
        traits = slurry_traits(
            self._side,
            self.random,
            parents=[span.lot for span in spans],
            masses_mg=[span.length for span in spans],
            solids_ratio=dry_mg / size,
        )
        return Lot(
            code=code,
            material=f"{self._side.name}_slurry",
            measure="mg",
            size=size,
            booked=sum(span.counted_end - span.counted_start for span in spans),
            made_us=self.clock.now_us,
            parts=[lot_part(span, size, is_reversed=False) for span in spans],
            traits=traits,
        )

    @staticmethod
    def _dry_ratio(span: Span) -> float:
        if span.position == "heel":
            return span.lot.traits["solids_ratio"]
        return 0.0 if span.position == "solvent" else 1.0


class Coater(LotStation):
    """Coats foil with slurry; a roll may span two batches, and its weight varies by metre and lane."""

    def __init__(self, world: World, side: Side, receiving: Receiving) -> None:
        """Stand at the coater of a side."""
        positions = [
            Position("foil", "mm", receiving.source(side.foil), leader=2 * _LEADER_MM, trailer=_TRAILER_MM),
            Position("slurry", "mg", self._no_slurry, trailer=_TANK_REST_MG),
            Position("slurry_next", "mg", self._no_slurry, trailer=_TANK_REST_MG),
        ]
        super().__init__(world, f"COAT-{side.letter}1", f"coat_{side.name}", positions)
        self._side = side
        self._output = Counter(self.random, "mm")
        self._gauge = world.random(f"{self.code} gauge")

    async def _no_slurry(self) -> Lot:
        raise PlantStoppedError(f"{self.code}: slurry comes from the mixer only")

    def slurry_mg(self) -> float:
        """Return the slurry (mg) at hand in both tanks."""
        return sum(feed.available for name, feed in self.feeds.items() if name != "foil")

    async def empty(self, reason: str) -> None:
        """Take the slurry out of both tanks and set it aside."""
        for name in ("slurry", "slurry_next"):
            lot = await self.unload(name)
            if lot is not None:
                self.world.quarantine(lot, reason)

    async def coat(self, length_m: float) -> Lot | None:
        """Coat a roll of about `length_m` (m) from the loaded batches; None when a batch may not be used."""
        side = self._side
        await self.ensure("foil", length_m * MM_PER_M)
        reply = await self.open_lots(1, give_up=LOT_CODES)
        if not reply.accepted:
            return None
        areal = areal_map(side, self.random, length_m, self.world.defects)
        solids_ratio = self.feeds["slurry"].lot.traits["solids_ratio"]
        mass_mg = float(areal.mean()) * length_m * COATED_WIDTH_M / solids_ratio * MG_PER_G
        share = min(1.0, self.slurry_mg() / mass_mg)
        size_mm = length_m * MM_PER_M * share
        await self.work_for(_SETUP_S + size_mm / _WEB_MM_PER_S)
        slurries = self._draw(mass_mg * share)
        foil = self.feeds["foil"].take(size_mm)
        flaws = coating_flaws(self.random, size_mm, self.world.defects)
        apply_flaws(areal, flaws)
        parts = [*_apply(slurries, size_mm), lot_part(foil, size_mm, is_reversed=True)]
        booked = self.web_reading(self._output, size_mm)
        roll = Lot(
            code=reply.lots[0],
            material=f"{side.name}_coated",
            measure="mm",
            size=size_mm,
            booked=booked,
            made_us=self.clock.now_us,
            parts=parts,
            areal_gsm=areal,
            flaws=flaws,
            traits=_inherited(slurries[0].lot),
        )
        rows = _coating_rows(parts, [*slurries, foil], booked / size_mm, booked)
        seen = gauged(areal, flaws, size_mm, booked, random=self._gauge)
        await self.finish([roll], rows, [{"areal_weight_gsm": float(areal.mean())}], seen)
        await self._swap_tanks()
        return roll

    def _draw(self, mass_mg: float) -> list[Span]:
        first = self.feeds["slurry"]
        spans = [first.take(min(mass_mg, first.available))]
        rest_mg = mass_mg - spans[0].length
        if rest_mg > 0.0 and "slurry_next" in self.feeds:
            spans.append(self.feeds["slurry_next"].take(rest_mg))
        return spans

    async def _swap_tanks(self) -> None:
        """After a roll that spans two batches, the second batch becomes the first."""
        if "slurry_next" in self.feeds:
            await self.unload("slurry")
            batch = await self.unload("slurry_next")
            if batch is not None:
                await self.load("slurry", batch)


def _apply(slurries: list[Span], size_mm: float) -> list[Part]:
    """Return what of each batch went where: coated first lies inside, and a roll begins at its outer end."""
    total = sum(span.length for span in slurries)
    parts, end = [], size_mm
    for index, span in enumerate(slurries):
        is_last = index == len(slurries) - 1
        start = 0.0 if is_last else end - size_mm * span.length / total
        parts.append(Part(span.lot.code, span.position, span.start, span.end, start, end, reversed=True))
        end = start
    return parts


def _coating_rows(parts: list[Part], spans: list[Span], scale: float, booked: int) -> list[Row]:
    """Return parts as the coater reports them; `scale` is its output counter over the truth."""
    rows = []
    for part, span in zip(parts, spans, strict=True):
        start, end = (min(round(value * scale), booked) for value in (part.c0, part.c1))
        rows.append(Row(0, span.position, span.counted_start, span.counted_end, start, end, 0, reversed=True))
    return rows


class WebStation(LotStation):
    """Calender or slitter: takes one roll from the machine before, whole."""

    def __init__(self, world: World, code: str, operation: str, side: Side) -> None:
        """Stand at a roll-to-roll machine; rolls come through `rolls`."""
        self.rolls: Buffer[Lot] = Buffer(world.clock, code)
        roll = Position("roll", "mm", self.rolls.get, leader=_LEADER_MM, trailer=_TRAILER_MM)
        super().__init__(world, code, operation, [roll])
        self.side = side
        self.output = Counter(self.random, "mm")

    async def next_roll(self, count: int) -> tuple[Reply, Span]:
        """Load the next roll, ask to make `count` lots from it, and run it through."""
        while "roll" not in self.feeds:
            await self.change("roll")
        reply = await self.open_lots(count)
        feed = self.feeds["roll"]
        await self.work_for(_SETUP_S + feed.available / _WEB_MM_PER_S)
        return reply, feed.take(feed.available)


class Calender(WebStation):
    """Presses a coated roll: about 1 % longer, and rewound, so that it runs against its parent."""

    async def run(self, target: Buffer[Lot]) -> None:
        """Work for ever."""
        while True:
            reply, span = await self.next_roll(1)
            stretch = 1.0 + STRETCH_RATIO + bounded(self.random, 0.0005, 0.0015)
            parts, size_mm = calendered_parts(span.lot.code, span.start, span.end, stretch)
            areal, flaws = carry_over(span.lot, parts, size_mm)
            booked = self.web_reading(self.output, size_mm)
            roll = Lot(
                code=reply.lots[0],
                material=f"{self.side.name}_calendered",
                measure="mm",
                size=size_mm,
                booked=booked,
                made_us=self.clock.now_us,
                parts=parts,
                areal_gsm=areal / stretch,
                flaws=flaws,
                traits=_inherited(span.lot),
            )
            measured = {"thickness_um": self.side.thickness_um + bounded(self.random, 0.6, 2.0)}
            await self.finish([roll], [lot_row(0, span, booked, is_reversed=True)], [measured])
            await self.unload("roll")
            target.put_now(roll)


class Slitter(WebStation):
    """Cuts a roll into four reels; seen flaws are cut out of their lane, knives wear."""

    def __init__(self, world: World, code: str, operation: str, side: Side) -> None:
        """Stand at the slitter with new knives."""
        super().__init__(world, code, operation, side)
        self._cut_m = 0.0

    async def run(self, target: Buffer[Lot]) -> None:
        """Work for ever."""
        while True:
            reply, span = await self.next_roll(LANES)
            burr_um = self._cut(span)
            reels, rows, measured = [], [], []
            for lane, code in enumerate(reply.lots):
                reel = self._reel(code, span, lane, burr_um)
                rows.extend(self._rows(reel, span, lane))
                reels.append(reel)
                measured.append(self._measure(burr_um))
            await self.finish(reels, rows, measured)
            await self.unload("roll")
            target.put_now(*reels)
            self.world.changed.fire()

    def _cut(self, span: Span) -> float:
        if is_knife_due(self._cut_m):
            self._cut_m = 0.0
        self._cut_m += span.length / MM_PER_M
        return knife_burr_um(self.random, self._cut_m, self.world.defects)

    def _measure(self, burr_um: float) -> dict[str, float]:
        width_mm = self.side.width_mm + bounded(self.random, 0.03, 0.1)
        return {"width_mm": width_mm, "burr_um": burr_um + bounded(self.random, 0.1, 0.3)}

    def _reel(self, code: str, span: Span, lane: int, burr_um: float) -> Lot:
        pieces = slit_pieces(span.lot, lane, span.start, span.end)
        parts, size_mm = slit_parts(span.lot.code, pieces, lane)
        areal, flaws = carry_over(span.lot, parts, size_mm, lane)
        return Lot(
            code=code,
            material=f"{self.side.name}_reel",
            measure="mm",
            size=size_mm,
            booked=round(size_mm * self.output.scale),
            made_us=self.clock.now_us,
            parts=parts,
            splices=sorted(part.c0 for part in parts if part.c0 > 0),
            areal_gsm=areal,
            flaws=flaws,
            traits=_inherited(span.lot) | {"burr_um": burr_um},
        )

    def _rows(self, reel: Lot, span: Span, lane: int) -> list[Row]:
        counted = (span.counted_end - span.counted_start) / span.length

        def on_roll(position: float) -> int:
            return span.counted_start + round((position - span.start) * counted)

        def on_reel(position: float) -> int:
            return min(round(position * self.output.scale), reel.booked)

        return [
            Row(lane, "roll", on_roll(each.p0), on_roll(each.p1), on_reel(each.c0), on_reel(each.c1), lane + 1, True)
            for each in reel.parts
        ]


def _inherited(parent: Lot) -> dict[str, float]:
    return {name: parent.traits[name] for name in _CARRIED_TRAITS if name in parent.traits}


class ElectrodeLine:
    """One side from powder to reels: makes what the winder will need, no more."""

    def __init__(self, world: World, side: Side, receiving: Receiving) -> None:
        """Build the four stations of a side; finished reels wait in `reels`."""
        self.side = side
        self.reels: Buffer[Lot] = Buffer(world.clock, f"{side.name} reels")
        self._world = world
        self._mixer = Mixer(world, side, receiving)
        self._coater = Coater(world, side, receiving)
        self._calender = Calender(world, f"CAL-{side.letter}1", f"calender_{side.name}", side)
        self._slitter = Slitter(world, f"SLIT-{side.letter}1", f"slit_{side.name}", side)
        self._webs = {f"{side.name}_{stage}" for stage in ("coated", "calendered", "reel")}
        self._live: list[Lot] = []
        self._seen = (0, 0)
        self._heel: Lot | None = None

    def spawn(self) -> None:
        """Start the stations."""
        clock, letter = self._world.clock, self.side.letter
        clock.spawn(self._calender.run(self._slitter.rolls), f"CAL-{letter}1")
        clock.spawn(self._slitter.run(self.reels), f"SLIT-{letter}1")
        clock.spawn(self._make_rolls(), f"MIX-{letter}1 and COAT-{letter}1")

    def _stock_mm(self) -> float:
        """Return the length (mm, over all lanes) that is made or under way, and not yet wound."""
        return sum(self._yet_to_wind_mm(lot) for lot in self._live_lots())

    def _yet_to_wind_mm(self, lot: Lot) -> float:
        if lot.material.endswith("_reel"):
            return lot.left
        is_untouched = lot.left > lot.size / 2
        return LANES * lot.size if is_untouched else 0.0

    def _live_lots(self) -> list[Lot]:
        """Return this side's webs that are neither used up nor set aside; looked up again when a lot is new."""
        seen = (len(self._world.lots), len(self._world.set_aside))
        if seen != self._seen:
            self._seen = seen
            self._live = [
                lot
                for lot in self._world.lots.values()
                if lot.material in self._webs and lot.code not in self._world.set_aside and lot.left > lot.size / 100
            ]
        return self._live

    def _is_wanted(self) -> bool:
        waste = 1.06
        return self._world.cells_to_wind() * self.side.cell_mm * waste > self._stock_mm()

    async def _make_rolls(self) -> None:
        settings = self._world.settings
        length_m = settings.first_roll_m
        while True:
            await self._world.changed.until(self._is_wanted)
            if any(self._is_stale(feed.lot) for name, feed in self._coater.feeds.items() if name != "foil"):
                await self._coater.empty("pot life over")
            while self._coater.slurry_mg() < slurry_mass_mg(self.side, length_m):
                await self._mix(settings.batch_rolls * length_m)
            roll = await self._coater.coat(length_m)
            if roll is None:
                await self._coater.empty("refused when coating")
                continue
            self._calender.rolls.put_now(roll)
            length_m = settings.roll_m

    async def _mix(self, length_m: float) -> None:
        """Mix a batch, pump it to a free tank of the coater, and keep its heel in the mixer."""
        heel, self._heel = self._heel, None
        if heel is not None and self._is_stale(heel):
            self._world.quarantine(heel, "pot life over")
            heel = None
        batch = await self._mixer.mix(batch_mass_mg(self.side, length_m), heel)
        pumped, counted = batch.size * (1.0 - HEEL_RATIO), round(batch.booked * (1.0 - HEEL_RATIO))
        tank = structs.replace(batch, size=pumped, booked=counted)
        if await self._coater.load("slurry_next" if "slurry" in self._coater.feeds else "slurry", tank):
            self._heel = structs.replace(batch, used=pumped, counted=counted)

    def _is_stale(self, batch: Lot) -> bool:
        return self._world.clock.now_us - batch.made_us > _POT_LIFE_S * _US_PER_S
