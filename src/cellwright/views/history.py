"""What happened to a unit or a lot: every fact that touched it, and what the fact says of it alone."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.journal.facts import Recorded, envelope_of
from cellwright.model import facts as f
from cellwright.model.answers import Reason
from cellwright.model.commands import HoldSubject
from cellwright.model.correction_facts import PartCorrection, PartsCorrected, RunsCorrected
from cellwright.model.corrections import CorrectedValue
from cellwright.rules.genealogy import share
from cellwright.views.following import Page, PeopleView, lot_codes, moment_us, unit_codes, write

_NEWEST = 2**63 - 1


class TakenStretch(Struct, frozen=True):
    """A unit took [start, end) of a lot at a position, in the lot's measure; `tolerance` says how surely."""

    position: str
    lot: str
    start: int
    end: int
    tolerance: int


class PartStretch(Struct, frozen=True):
    """[parent_start, parent_end) of a lot became [child_start, child_end) of another, each in its own measure."""

    parent: str
    child: str
    parent_start: int
    parent_end: int
    child_start: int
    child_end: int
    lane: int
    reversed: bool
    tolerance: int


class Event(Struct, frozen=True, kw_only=True):
    """A fact that touched a unit or lot, with what it says of that one; None and "" = the fact does not say."""

    position: int
    kind: str
    time_us: int
    """When it happened: by the equipment where its clock was tested, else by the server (UTC us)."""
    recorded_us: int
    actor: str
    station: str = ""
    operation: str = ""
    person: str = ""
    carrier: str = ""
    slot: int | None = None
    recipe: str = ""
    recipe_revision: int | None = None
    is_good: bool | None = None
    attempt: int | None = None
    next_step: int | None = None
    next_operation: str = ""
    """Where the unit went next; "" with a next step = its route ends here."""
    defect: str = ""
    grade: str = ""
    results: dict[str, float | None] = {}
    corrected: dict[str, CorrectedValue] = {}
    """How characteristics were corrected; the corrected values are among the results."""
    taken: tuple[TakenStretch, ...] = ()
    parts: tuple[PartStretch, ...] = ()
    parent: str = ""
    members: tuple[str, ...] = ()
    at_position: str = ""
    """Position of material at the station."""
    quantity: int | None = None
    """Of a lot, in its measure."""
    supplier: str = ""
    partner: str = ""
    reference: str = ""
    """Delivery note."""
    vehicle: str = ""
    happened_us: int | None = None
    """When a pack came into its vehicle or left it, as told (UTC us)."""
    given_code: str = ""
    units_count: int | None = None
    """Units of the same page."""
    hold: int | None = None
    action: str = ""
    reason: str = ""
    second_person: str = ""
    command: str = ""
    reasons: tuple[Reason, ...] = ()


class Events(Struct, frozen=True):
    """Events, the newest first; `next_before` asks for older ones, None = there are none."""

    events: tuple[Event, ...]
    next_before: int | None


# --- folding ----------------------------------------------------------------------------------------


class _Touched(Struct, frozen=True):
    units: tuple[int, ...] = ()
    lots: tuple[int, ...] = ()


def _once(numbers: Iterable[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(numbers))


_TOUCHES: dict[type[f.Fact], Callable[[Any], _Touched]] = {
    f.LotReceived: lambda fact: _Touched(lots=(fact.lot,)),
    f.LotReleased: lambda fact: _Touched(lots=(fact.lot,)),
    f.LotsOpened: lambda fact: _Touched(lots=fact.lots),
    f.MaterialLoaded: lambda fact: _Touched(lots=(fact.lot,)),
    f.MaterialUnloaded: lambda fact: _Touched(lots=(fact.lot,)),
    f.UnitsCommissioned: lambda fact: _Touched(tuple(range(fact.id_from, fact.id_from + fact.count))),
    f.OperationStarted: lambda fact: _Touched(fact.units + fact.members, fact.lots),
    f.OperationCompleted: lambda fact: _Touched(fact.units, _once(part.lot for part in fact.parts)),
    f.OperationAborted: lambda fact: _Touched(fact.units + fact.members, fact.lots),
    f.LotTransformed: lambda fact: _Touched(lots=_once([*fact.lots, *(part.parent for part in fact.parts)])),
    f.LotsImported: lambda fact: _Touched(lots=_once([*fact.lots, *(part.parent for part in fact.parts)])),
    f.Assembled: lambda fact: _Touched((fact.parent, *fact.members)),
    f.Disassembled: lambda fact: _Touched((fact.parent, *fact.members)),
    f.UnitsShipped: lambda fact: _Touched(fact.units),
    f.UnitsReturned: lambda fact: _Touched(fact.units),
    f.PackInstalled: lambda fact: _Touched(fact.packs),
    f.PackRemoved: lambda fact: _Touched(fact.packs),
    f.CodesAssigned: lambda fact: _Touched(fact.units),
    f.CarrierLoaded: lambda fact: _Touched(fact.units),
    f.CarrierUnloaded: lambda fact: _Touched(fact.units),
    f.Held: lambda fact: _held(fact.subject, fact.subjects),
    f.Dispositioned: lambda fact: _Touched(fact.units),
    RunsCorrected: lambda fact: _Touched(
        tuple(unit for run in fact.runs for unit in range(run.first, run.last + 1)),
        _once(lot for run in fact.runs for lot in (run.was_lot, run.lot)),
    ),
    PartsCorrected: lambda fact: _Touched(
        lots=_once(lot for part in fact.parts for lot in (part.child, part.was_parent, part.parent))
    ),
}


def _held(subject: str, subjects: tuple[int, ...]) -> _Touched:
    return _Touched(subjects) if subject == HoldSubject.UNIT else _Touched(lots=subjects)


async def _fold(connection: Connection, page: Page) -> None:
    lifted = await _load_held(connection, page)
    rows: list[tuple[Recorded, _Touched]] = []
    for each in page.recorded:
        fact = each.envelope.fact
        touches = _TOUCHES.get(type(fact))
        if touches is not None:
            rows.append((each, touches(fact)))
        elif isinstance(fact, f.Released):
            rows.append((each, lifted.get(fact.hold, _Touched())))
    facts: list[Any] = [each.envelope.fact for each, _ in rows]
    await write(
        connection,
        """
        INSERT INTO history (position, kind, station, operation, time_us, units, lots)
        SELECT position, kind, station, operation, time_us, units::bigint[], lots::bigint[]
        FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[])
             AS n (position, kind, station, operation, time_us, units, lots)
        """,
        [each.position for each, _ in rows],
        [type(fact).__name__ for fact in facts],
        [getattr(fact, "station", "") for fact in facts],
        [getattr(fact, "operation", "") for fact in facts],
        [moment_us(each.envelope) for each, _ in rows],
        [touched.units for _, touched in rows],
        [touched.lots for _, touched in rows],
    )


async def _load_held(connection: Connection, page: Page) -> dict[int, _Touched]:
    facts = [each.envelope.fact for each in page.recorded]
    holds = [fact.hold for fact in facts if isinstance(fact, f.Released)]
    records = await connection.fetch("SELECT id, subject, subjects FROM hold WHERE id = ANY($1::bigint[])", holds)
    return {record["id"]: _held(record["subject"], tuple(record["subjects"])) for record in records}


VIEW = PeopleView(("history",), _fold)


# --- reading ----------------------------------------------------------------------------------------

_FACT = "f.position, f.source, f.epoch, f.seq, f.version, f.time_us, f.recorded_us, f.actor, f.body"
# The planner must not walk back through the whole journal for a unit that stands at its beginning.
_TOUCHING = """
    SELECT {fact} FROM (
        SELECT t.position FROM (
            (SELECT h.position FROM history AS h WHERE h.{column} @> ARRAY[$1::bigint] AND h.position < $3 OFFSET 0)
            UNION ALL
            (SELECT r.position FROM refusal AS r WHERE r.named @> ARRAY[$2::text] AND r.position < $3 OFFSET 0)
        ) AS t ORDER BY t.position DESC LIMIT $4
    ) AS t
    JOIN fact AS f USING (position)
    ORDER BY position DESC
"""
_OF_UNIT = _TOUCHING.format(fact=_FACT, column="units")
_OF_LOT = _TOUCHING.format(fact=_FACT, column="lots")

_Fields = dict[str, Any]
"""Fields of an event in which units and lots still are numbers."""


async def unit_history(connection: Connection, unit: int, before: int | None = None, *, limit: int = 100) -> Events:
    """Return what happened to a unit before a position (None = until now), and which refusals named it."""
    code = (await unit_codes(connection, [unit])).get(unit, "")
    operations = await _operations(connection, unit)
    older = _NEWEST if before is None else before
    records = await connection.fetch(_OF_UNIT, unit, code, older, limit + 1)
    return await _compose(connection, records, limit, lambda fact: _of_unit(fact, unit, code, operations))


async def lot_history(connection: Connection, lot: int, before: int | None = None, *, limit: int = 100) -> Events:
    """Return what happened to a lot before a position (None = until now), and which refusals named it."""
    code = (await lot_codes(connection, [lot])).get(lot, "")
    older = _NEWEST if before is None else before
    records = await connection.fetch(_OF_LOT, lot, code, older, limit + 1)
    return await _compose(connection, records, limit, lambda fact: _of_lot(fact, lot, code))


async def _operations(connection: Connection, unit: int) -> Sequence[str]:
    """Return the operations of a unit's route in order."""
    records = await connection.fetch(
        """
        SELECT o.body->>'code'
        FROM unit_kept($1) AS u
        JOIN route AS r ON r.id = u.route
        CROSS JOIN LATERAL json_array_elements(r.operations) WITH ORDINALITY AS o (body)
        ORDER BY o.ordinality
        """,
        unit,
    )
    return [record[0] for record in records]


async def _compose(
    connection: Connection, records: Sequence[Any], limit: int, pick: Callable[[f.Fact], _Fields]
) -> Events:
    recorded = [Recorded(record["position"], envelope_of(record)) for record in records[:limit]]
    picked = [pick(each.envelope.fact) for each in recorded]
    units = await unit_codes(connection, {unit for fields in picked for unit in _units_in(fields)})
    lots = await lot_codes(connection, {lot for fields in picked for lot in _lots_in(fields)})
    events = [_event(each, _named(fields, units, lots)) for each, fields in zip(recorded, picked, strict=True)]
    return Events(tuple(events), recorded[-1].position if len(records) > limit else None)


def _units_in(fields: _Fields) -> Iterable[int]:
    return (*fields.get("members", ()), *([fields["parent"]] if "parent" in fields else []))


def _lots_in(fields: _Fields) -> Iterable[int]:
    parts = fields.get("parts", ())
    return (
        *(lot for _, lot, *_ in fields.get("taken", ())),
        *(lot for part in parts for lot in (part.parent, part.child)),
    )


def _named(fields: _Fields, units: dict[int, str], lots: dict[int, str]) -> _Fields:
    """Put printed codes in the place of numbers."""
    named = dict(fields)
    if "parent" in fields:
        named["parent"] = units.get(fields["parent"], "")
    if "members" in fields:
        named["members"] = tuple(units.get(member, "") for member in fields["members"])
    if "taken" in fields:
        named["taken"] = tuple(TakenStretch(kind, lots.get(lot, ""), *rest) for kind, lot, *rest in fields["taken"])
    if "parts" in fields:
        named["parts"] = tuple(_part(part, lots) for part in fields["parts"])
    return named


def _part(part: f.LotPart | PartCorrection, lots: dict[int, str]) -> PartStretch:
    return PartStretch(
        parent=lots.get(part.parent, ""),
        child=lots.get(part.child, ""),
        parent_start=part.parent_start,
        parent_end=part.parent_end,
        child_start=part.child_start,
        child_end=part.child_end,
        lane=part.lane,
        reversed=part.reversed,
        tolerance=part.tolerance,
    )


def _event(recorded: Recorded, fields: _Fields) -> Event:
    envelope, fact = recorded.envelope, recorded.envelope.fact
    common = {
        name: getattr(fact, name)
        for name in (
            "station",
            "operation",
            "person",
            "carrier",
            "hold",
            "action",
            "reason",
            "second_person",
            "partner",
            "reference",
        )
        if hasattr(fact, name)
    }
    return Event(
        position=recorded.position,
        kind=type(fact).__name__,
        time_us=moment_us(envelope),
        recorded_us=envelope.recorded_us,
        actor=envelope.actor,
        **{**common, **fields},
    )


# --- what a fact says of one unit -------------------------------------------------------------------


def _of_unit(fact: f.Fact, unit: int, code: str, operations: Sequence[str]) -> _Fields:  # noqa: C901, PLR0911, PLR0912 one case each
    match fact:
        case f.UnitsCommissioned():
            return {"units_count": fact.count}
        case f.OperationStarted():
            return _started(fact, unit)
        case f.OperationCompleted():
            return _completed(fact, fact.units.index(unit), operations)
        case f.OperationAborted():
            return _aborted(fact, unit)
        case f.Assembled() | f.Disassembled():
            return _joined(fact, unit)
        case f.CarrierLoaded():
            return {"slot": fact.slots[fact.units.index(unit)], "units_count": len(fact.units)}
        case f.PackInstalled() | f.PackRemoved():
            return _travelled(fact, fact.packs.index(unit))
        case f.UnitsShipped() | f.UnitsReturned():
            return {"units_count": len(fact.units)}
        case f.CodesAssigned():
            return {"given_code": fact.codes[fact.units.index(unit)]}
        case f.Dispositioned():
            return {"units_count": len(fact.units), **_next(fact.step, operations)}
        case RunsCorrected():
            return _retaken(fact, unit)
        case f.Refused():
            return _refused(fact, "unit", code)
        case _:
            return {}


def _next(step: int, operations: Sequence[str]) -> _Fields:
    if step < 0:
        return {}
    return {"next_step": step, "next_operation": operations[step] if step < len(operations) else ""}


def _started(fact: f.OperationStarted, unit: int) -> _Fields:
    if unit in fact.members:
        return {"parent": fact.units[0]}
    recipe = {"recipe": fact.recipe, "recipe_revision": fact.recipe_revision}
    return {**recipe, "units_count": len(fact.units), "members": fact.members}


def _completed(fact: f.OperationCompleted, index: int, operations: Sequence[str]) -> _Fields:
    unit = fact.units[index]
    return {
        "is_good": fact.verdicts[index],
        "attempt": fact.attempts[index],
        "defect": fact.defects[index] if fact.defects else "",
        "grade": fact.grades[index] if fact.grades else "",
        "results": {each.characteristic: each.values[index] for each in fact.results if each.values},
        "corrected": {each.characteristic: each.of_unit(index) for each in fact.corrected},
        "taken": [_stretch(part, part.units.index(unit)) for part in fact.parts if unit in part.units],
        "units_count": len(fact.units),
        **_next(fact.next_steps[index], operations),
    }


def _aborted(fact: f.OperationAborted, unit: int) -> _Fields:
    if unit in fact.members:
        return {"parent": fact.units[0]}
    attempt = {"attempt": fact.attempts[fact.units.index(unit)]} if fact.attempts else {}
    return {**attempt, "units_count": len(fact.units), "members": fact.members}


def _stretch(part: f.RunPart, index: int) -> tuple[str, int, int, int, int]:
    return (part.kind, part.lot, part.starts[index], part.ends[index], part.tolerance)


def _joined(fact: f.Assembled | f.Disassembled, unit: int) -> _Fields:
    if fact.parent == unit:
        return {"members": fact.members}
    slot = {"slot": fact.slots[fact.members.index(unit)]} if fact.slots else {}
    return {"parent": fact.parent, **slot}


def _retaken(fact: RunsCorrected, unit: int) -> _Fields:
    """Return what the unit took as it is told from then on; what was told before stands in the events before."""
    (run,) = (run for run in fact.runs if run.first <= unit <= run.last)
    start, end = share(unit - run.first, run.last - run.first + 1, run.start, run.end)
    taken = (fact.position, run.lot, start, end, run.tolerance)
    return {"taken": [taken], "units_count": sum(each.last - each.first + 1 for each in fact.runs)}


def _travelled(fact: f.PackInstalled | f.PackRemoved, index: int) -> _Fields:
    where = {"at_position": fact.positions[index]} if isinstance(fact, f.PackInstalled) else {}
    return {
        "vehicle": fact.vehicles[index],
        "happened_us": fact.times_us[index],
        "partner": fact.holders[index],
        **where,
    }


def _refused(fact: f.Refused, key: str, code: str) -> _Fields:
    """Return the reasons that name this one, and those that name none of its kind."""
    reasons = tuple(each for each in fact.reasons if each.evidence.get(key, code) == code)
    return {"command": fact.command, "reasons": reasons}


# --- what a fact says of one lot --------------------------------------------------------------------


def _of_lot(fact: f.Fact, lot: int, code: str) -> _Fields:  # noqa: C901, PLR0911 one case each
    match fact:
        case f.LotReceived():
            return {"quantity": fact.quantity, "supplier": fact.supplier}
        case f.MaterialLoaded() | f.MaterialUnloaded():
            return {"quantity": fact.quantity, "at_position": fact.position}
        case f.OperationStarted():
            return {"recipe": fact.recipe, "recipe_revision": fact.recipe_revision}
        case f.OperationCompleted():
            return _fed(fact, lot)
        case f.LotTransformed():
            return _transformed(fact, lot)
        case f.LotsImported():
            return _imported(fact, lot)
        case RunsCorrected():
            runs = [run for run in fact.runs if lot in (run.was_lot, run.lot)]
            return {"at_position": fact.position, "units_count": sum(run.last - run.first + 1 for run in runs)}
        case PartsCorrected():
            return {"parts": tuple(part for part in fact.parts if lot in (part.child, part.was_parent, part.parent))}
        case f.Refused():
            return _refused(fact, "lot", code)
        case _:
            return {}


def _fed(fact: f.OperationCompleted, lot: int) -> _Fields:
    parts = [part for part in fact.parts if part.lot == lot]
    return {
        "at_position": parts[0].kind,
        "quantity": sum(sum(part.ends) - sum(part.starts) for part in parts),
        "units_count": len({unit for part in parts for unit in part.units}),
    }


def _transformed(fact: f.LotTransformed, lot: int) -> _Fields:
    parts = tuple(part for part in fact.parts if lot in (part.parent, part.child))
    if lot not in fact.lots:
        return {"parts": parts}
    index = fact.lots.index(lot)
    return {
        "parts": parts,
        "is_good": fact.verdicts[index],
        "quantity": fact.quantities[index],
        "defect": fact.defects[index] if fact.defects else "",
        "results": {each.characteristic: each.values[index] for each in fact.results if each.values},
    }


def _imported(fact: f.LotsImported, lot: int) -> _Fields:
    parts = tuple(part for part in fact.parts if lot in (part.parent, part.child))
    if lot not in fact.lots:
        return {"parts": parts}
    index = fact.lots.index(lot)
    supplier = fact.suppliers[index] if fact.suppliers else ""
    return {"parts": parts, "quantity": fact.quantities[index], "supplier": supplier, "reason": fact.origin}
