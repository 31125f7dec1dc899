"""Material at stations: receiving, loading, unloading, and the tests a check-in makes of what is loaded."""

from collections.abc import Iterator

from cellwright.model.answers import Reason, Receipt, RefusalCode
from cellwright.model.commands import LoadMaterial, ReceiveLot, ReleaseLot, UnloadMaterial
from cellwright.model.equipment import Station
from cellwright.model.facts import LotReceived, LotReleased, MaterialLoaded, MaterialUnloaded
from cellwright.model.materials import MaterialUse
from cellwright.model.plant import Plant
from cellwright.model.routes import Operation
from cellwright.rules.pages import find_station
from cellwright.rules.readiness import running_counter
from cellwright.rules.reasons import Decision, reason, refuse
from cellwright.rules.state import LoadingRow, LotRow, LotStatus, State

_US_PER_S = 1_000_000

QUANTITY_LIMIT = 2**53
"""Largest quantity of a lot in its measure: every whole number up to it is exact in every part of the system."""


def uses_at(plant: Plant, station: Station) -> dict[str, MaterialUse]:
    """Return the material positions of a station by name, from all its operations."""
    return {use.position: use for code in station.operations for use in operation_uses(plant, code)}


def operation_uses(plant: Plant, code: str) -> tuple[MaterialUse, ...]:
    """Return what an operation takes, by the plant's files."""
    drafts = (each for route in plant.routes.values() for each in route.operations if each.code == code)
    operation = plant.lot_operations.get(code) or next(drafts, None)
    return () if operation is None else operation.materials


def lot_code(material: str, number: int) -> str:
    """Return the code of a lot made here."""
    return f"{material.upper().replace('_', '-')}-{number:06d}"


def is_own_code(plant: Plant, code: str) -> bool:
    """Tell whether a code looks like one that this plant gives to lots made here."""
    stem, _, number = code.rpartition("-")
    made = {each.output_material.upper().replace("_", "-") for each in plant.lot_operations.values()}
    return number.isdigit() and stem in made


def usable(lot: LotRow, now_us: int) -> Iterator[Reason]:
    """Yield the reasons why a lot may not be used at `now_us` (UTC us)."""
    if lot.status is not LotStatus.RELEASED:
        cure = {
            LotStatus.REJECTED: "load another lot",
            LotStatus.OPEN: "it is still being made",
        }.get(lot.status, "release it with its certificate first")
        text = f"lot {lot.code} is {lot.status}; {cure}"
        yield reason(RefusalCode.LOT_UNRELEASED, text, lot=lot.code, status=lot.status)
    if lot.holds:
        text = f"lot {lot.code} is on hold; a hold is lifted by two people"
        yield reason(RefusalCode.LOT_HELD, text, lot=lot.code, holds=lot.holds)
    if lot.expires_us and now_us > lot.expires_us:
        text = f"lot {lot.code} expired; load another lot"
        yield reason(RefusalCode.LOT_EXPIRED, text, lot=lot.code, expires_us=lot.expires_us, now_us=now_us)


def material_tests(state: State, station: str, operation: Operation, *, count: int, now_us: int) -> Iterator[Reason]:
    """Yield the reasons why an operation on `count` outputs lacks material at a station."""
    for use in operation.materials:
        yield from _position_tests(state, station, use, count=count, now_us=now_us)


def _position_tests(state: State, station: str, use: MaterialUse, *, count: int, now_us: int) -> Iterator[Reason]:
    loading = state.get(LoadingRow, (station, use.position))
    lot = state.get(LotRow, loading.lot) if loading is not None and loading.lot else None
    if loading is None or lot is None:
        if not use.optional:
            text = f"position {use.position} of {station} is empty; load {use.material}"
            yield reason(RefusalCode.MATERIAL_MISSING, text, position=use.position, material=use.material)
        return
    yield from usable(lot, now_us)
    if lot.material != use.material:
        text = f"position {use.position} of {station} holds {lot.material}; this operation takes {use.material}"
        yield reason(RefusalCode.MATERIAL_WRONG, text, position=use.position, lot=lot.code, material=lot.material)
    if use.exposure_max_s is not None and now_us - lot.made_us > use.exposure_max_s * _US_PER_S:
        open_s = (now_us - lot.made_us) // _US_PER_S
        text = f"lot {lot.code} was open for {open_s} s, at most {use.exposure_max_s} s are allowed; load a fresh one"
        yield reason(RefusalCode.EXPOSURE_EXCEEDED, text, lot=lot.code, open_s=open_s, max_s=use.exposure_max_s)
    need, free = use.quantity * count, loading.remaining - loading.reserved
    if free < need and not use.optional:
        text = f"position {use.position} of {station} has {free} {lot.measure} of lot {lot.code}, {need} are needed"
        yield reason(RefusalCode.LOT_EXHAUSTED, text, position=use.position, lot=lot.code, free=free, need=need)


def receive_lot(state: State, command: ReceiveLot) -> Decision:
    """Decide the arrival of a supplier's lot."""
    material = state.plant.materials.get(command.material)
    reasons = []
    if material is None:
        known = ", ".join(sorted(state.plant.materials))
        text = f"material {command.material!r} is not in materials.toml; known: {known}"
        reasons.append(reason(RefusalCode.MATERIAL_UNKNOWN, text, material=command.material))
    if state.lot_by_code(command.lot) is not None or is_own_code(state.plant, command.lot):
        text = f"lot {command.lot} was received before, or its code is kept for lots made here; use the supplier's code"
        reasons.append(reason(RefusalCode.LOT_REPEATED, text, lot=command.lot))
    if not 0 < command.quantity <= QUANTITY_LIMIT or not command.lot:
        text = f"lot {command.lot!r} of {command.quantity}: a code and a quantity of 1 to {QUANTITY_LIMIT} are needed"
        reasons.append(reason(RefusalCode.COUNT_INVALID, text, lot=command.lot, quantity=command.quantity))
    if reasons or material is None:
        return refuse(command, reasons)
    fact = LotReceived(
        lot=state.counter("lot") + 1,
        code=command.lot,
        material=material.code,
        measure=material.measure,
        quantity=command.quantity,
        supplier=command.supplier,
        expires_us=command.expires_us,
        certificate_sha256=command.certificate_sha256,
        released=bool(command.certificate_sha256),
    )
    return Decision((fact,), Receipt())


def release_lot(state: State, command: ReleaseLot) -> Decision:
    """Decide the release of a received lot by its certificate."""
    lot = state.lot_by_code(command.lot)
    if lot is None:
        return refuse(command, [_unknown_lot(command.lot)])
    if not command.certificate_sha256 or lot.status is not LotStatus.UNRELEASED:
        text = f"lot {lot.code} is {lot.status}; only an unreleased lot is released, by its certificate's SHA-256"
        return refuse(command, [reason(RefusalCode.LOT_UNRELEASED, text, lot=lot.code, status=lot.status)])
    return Decision((LotReleased(lot=lot.id, certificate_sha256=command.certificate_sha256),), Receipt())


def load_material(state: State, command: LoadMaterial, now_us: int) -> Decision:
    """Decide putting a quantity of a lot on a position."""
    station, reasons = find_station(state.plant, command.station)
    use = uses_at(state.plant, station).get(command.position) if station is not None else None
    if station is not None and use is None:
        names = ", ".join(uses_at(state.plant, station)) or "none"
        text = f"station {station.code} has no position {command.position!r}; it has: {names}"
        reasons.append(reason(RefusalCode.POSITION_UNKNOWN, text, position=command.position))
    loading = state.get(LoadingRow, (command.station, command.position))
    if loading is not None and loading.lot:
        text = f"position {command.position} of {command.station} is occupied; unload it first"
        reasons.append(reason(RefusalCode.POSITION_OCCUPIED, text, position=command.position))
    lot = state.lot_by_code(command.lot)
    if lot is None:
        return refuse(command, [*reasons, _unknown_lot(command.lot)])
    reasons.extend(usable(lot, now_us))
    if use is not None and lot.material != use.material:
        text = f"position {use.position} takes {use.material}, lot {lot.code} is {lot.material}"
        reasons.append(reason(RefusalCode.MATERIAL_WRONG, text, lot=lot.code, material=lot.material))
    if not 0 < command.quantity <= lot.remaining:
        text = f"{command.quantity} {lot.measure} of lot {lot.code} asked for, {lot.remaining} are in stock"
        reasons.append(
            reason(RefusalCode.LOT_EXHAUSTED, text, lot=lot.code, free=lot.remaining, need=command.quantity),
        )
    if reasons:
        return refuse(command, reasons)
    fact = MaterialLoaded(
        station=command.station,
        position=command.position,
        lot=lot.id,
        quantity=command.quantity,
        start=lot.cursor,
    )
    return Decision((fact,), Receipt())


def unload_material(state: State, command: UnloadMaterial) -> Decision:
    """Decide taking the rest of a lot off a position."""
    _, reasons = find_station(state.plant, command.station)
    loading = state.get(LoadingRow, (command.station, command.position))
    if reasons:
        return refuse(command, reasons)
    if loading is None or not loading.lot:
        text = f"position {command.position!r} of {command.station} is empty; nothing to unload"
        return refuse(command, [reason(RefusalCode.MATERIAL_MISSING, text, position=command.position)])
    if loading.reserved or state.counter(running_counter(command.station)):
        text = f"position {command.position} of {command.station} feeds units in process; let them finish"
        return refuse(
            command,
            [reason(RefusalCode.POSITION_IN_USE, text, position=command.position, reserved=loading.reserved)],
        )
    fact = MaterialUnloaded(
        station=command.station,
        position=command.position,
        lot=loading.lot,
        quantity=loading.remaining,
    )
    return Decision((fact,), Receipt())


def _unknown_lot(code: str) -> Reason:
    text = f"no lot has the code {code[:40]!r}; receive it first or read its label again"
    return reason(RefusalCode.LOT_UNKNOWN, text, lot=code[:40])
