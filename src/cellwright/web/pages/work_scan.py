"""What somebody scanned at a station: may it be worked on, loaded or joined here, and if not, why?"""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.answers import Answer, Reason, Refusal, RefusalCode
from cellwright.model.commands import CheckIn, Command, LoadMaterial
from cellwright.model.equipment import Station
from cellwright.plant.rehearsal import rehearse
from cellwright.rules.job_rows import JobState
from cellwright.rules.state import UnitStatus
from cellwright.views.finding import Match, find_exactly, find_unit
from cellwright.views.line_work import OpenJob
from cellwright.views.stock import LOTS
from cellwright.views.units import UnitCard, read_unit
from cellwright.views.wip import ROUTES
from cellwright.web.pages.links import path_of
from cellwright.web.pages.needs import needs_of, operations_at
from cellwright.web.pages.scanned import candidates
from cellwright.web.question import Question


class ScanKind(StrEnum):
    """What the scan was found to be."""

    UNKNOWN = "unknown"
    IN_JOB = "in_job"
    """Its place in the current job is `slot` of `slots_count`."""
    NOT_IN_JOB = "not_in_job"
    """The current job names others."""
    IN_WORK = "in_work"
    """It is in this station already."""
    MAY_BEGIN = "may_begin"
    MAY_LOAD = "may_load"
    """A lot that may be loaded at `position`."""
    NOT_NEEDED = "not_needed"
    """A lot of a material that the station does not take."""
    REFUSED = "refused"
    """The gate would refuse, for `reasons`."""


_GOOD = frozenset({ScanKind.IN_JOB, ScanKind.IN_WORK, ScanKind.MAY_BEGIN, ScanKind.MAY_LOAD})


class Scanned(Struct, frozen=True, kw_only=True):
    """The verdict on a scan, as of now; the gate decides again when the work begins."""

    code: str
    kind: ScanKind
    is_good: bool
    path: str = ""
    """Its page, "" = it has none."""
    slot: int = 0
    slots_count: int = 0
    wanted: str = ""
    """What the job names first, where it does not name this."""
    position: str = ""
    material: str = ""
    quantity: int = 0
    """What is left of a lot, in its measure."""
    reasons: tuple[Reason, ...] = ()


class _Asked(Struct, frozen=True, kw_only=True):
    """A scan that names something."""

    connection: Connection
    question: Question
    station: Station
    job: OpenJob | None
    match: Match

    def verdict(self, kind: ScanKind, **fields: object) -> Scanned:
        """Return the verdict on what was scanned."""
        code, path = self.match.code, path_of(self.match.kind, self.match.code)
        return Scanned(code=code, kind=kind, is_good=kind in _GOOD, path=path, **fields)  # type: ignore[arg-type]

    async def rehearse(self, command: Command) -> Answer:
        """Return what the gate would say."""
        services, caller = self.question.services, self.question.caller
        person = caller.person if caller else ""
        return await rehearse(self.connection, services.plant, command, person=person, now_us=services.clock())


async def read_scan(
    connection: Connection, question: Question, station: Station, *, job: OpenJob | None, text: str
) -> Scanned:
    """Return the verdict on a scanned text at a station whose current job is given (None = nothing is ordered)."""
    tried = candidates(text)
    match = _likeliest(await find_exactly(connection, tried), tried)
    if match is None:
        return Scanned(code=tried[0] if tried else text[:40], kind=ScanKind.UNKNOWN, is_good=False)
    asked = _Asked(connection=connection, question=question, station=station, job=job, match=match)
    if match.kind == "lot":
        return await _scan_lot(asked)
    return await (_scan_carrier(asked) if match.kind == "carrier" else _scan_unit(asked))


def _likeliest(matches: Sequence[Match], tried: Sequence[str]) -> Match | None:
    wanted = [each for each in matches if each.kind in ("cell", "module", "pack", "lot", "carrier")]
    ranked = [each for code in tried for each in wanted if each.code.upper() == code.upper()]
    return ranked[0] if ranked else next(iter(wanted), None)


async def _scan_unit(asked: _Asked) -> Scanned:
    number = await find_unit(asked.connection, asked.match.code)
    if number is None:
        return asked.verdict(ScanKind.UNKNOWN)
    unit = await read_unit(asked.connection, number)
    if unit.status is UnitStatus.RUNNING and unit.station == asked.station.code:
        return asked.verdict(ScanKind.IN_WORK)
    job = asked.job
    named = () if job is None else job.members or job.units
    if job is not None and unit.code in named:
        return await _scan_named(asked, unit, job, named=named)
    if named:
        return asked.verdict(ScanKind.NOT_IN_JOB, wanted=named[0], slots_count=len(named))
    operation = await _operation_at(asked, unit)
    return await _check_in(asked, operation, units=(unit.code,))


async def _scan_named(asked: _Asked, unit: UnitCard, job: OpenJob, *, named: tuple[str, ...]) -> Scanned:
    """Return the verdict on a unit of the job: its place, unless it is held or its work would be refused."""
    if unit.holds_count:
        text = f"unit {unit.code} is held; quality lifts the hold, or puts another in its place"
        return asked.verdict(ScanKind.REFUSED, reasons=(Reason(RefusalCode.UNIT_HELD, text, {"unit": unit.code}),))
    if job.state is JobState.PROVED and job.operation and not job.members:
        judged = await _check_in(asked, job.operation, units=job.units)
        if not judged.is_good:
            return judged
    slot = named.index(unit.code) + 1
    return asked.verdict(ScanKind.IN_JOB, slot=slot, slots_count=len(named))


async def _operation_at(asked: _Asked, unit: UnitCard) -> str:
    """Return the operation that a unit waits for where the station does it, else the station's first."""
    (route,) = await ROUTES.load_page(asked.connection, "WHERE id = $1", unit.route)
    waits_for = route.operations[unit.step].code if unit.step < len(route.operations) else ""
    operations = asked.station.operations
    return waits_for if waits_for in operations else next(iter(operations), "")


async def _scan_carrier(asked: _Asked) -> Scanned:
    operation = next(iter(asked.station.operations), "")
    return await _check_in(asked, operation, carrier=asked.match.code)


async def _check_in(asked: _Asked, operation: str, *, units: tuple[str, ...] = (), carrier: str = "") -> Scanned:
    """Ask as the station would: with the released recipe, which its machine is to read back itself."""
    recipe, caller = asked.question.services.plant.recipes.get(operation), asked.question.caller
    command = CheckIn(
        station=asked.station.code,
        operation=operation,
        units=units,
        carrier=carrier,
        recipe_digest=recipe.digest if recipe else "",
        person=caller.person if caller else "",
    )
    return _judged(asked, await asked.rehearse(command), ScanKind.MAY_BEGIN)


async def _scan_lot(asked: _Asked) -> Scanned:
    plant = asked.question.services.plant
    needs = needs_of(plant, operations_at(plant, asked.station))
    position = next((each.position for each in needs if each.material == asked.match.about), "")
    if not position:
        return asked.verdict(ScanKind.NOT_NEEDED, material=asked.match.about)
    (lot,) = await LOTS.load_page(asked.connection, "WHERE code = $1", asked.match.code)
    command = LoadMaterial(station=asked.station.code, position=position, lot=asked.match.code, quantity=lot.remaining)
    fields = {"position": position, "material": asked.match.about, "quantity": lot.remaining}
    return _judged(asked, await asked.rehearse(command), ScanKind.MAY_LOAD, **fields)


def _judged(asked: _Asked, answer: Answer, good: ScanKind, **fields: object) -> Scanned:
    if isinstance(answer, Refusal):
        return asked.verdict(ScanKind.REFUSED, reasons=answer.reasons, **fields)
    return asked.verdict(good, **fields)
