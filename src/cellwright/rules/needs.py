"""Which rows a command may touch: what the gate must load before it decides."""

from collections.abc import Iterable

from msgspec import Struct

from cellwright.model.commands import (
    AbortOperation,
    CheckIn,
    CheckOut,
    CloseOrder,
    Command,
    Disposition,
    HoldSubject,
    ImportLots,
    LoadCarrier,
    LoadMaterial,
    PlaceHold,
    PlaceRecall,
    ReceiveLot,
    ReleaseHold,
    ReleaseLot,
    ReleaseOrder,
    UnloadCarrier,
    UnloadMaterial,
)
from cellwright.model.ids import split_code
from cellwright.rules.recalls import units_between
from cellwright.rules.state import AssemblyRow, CarrierRow, HoldRow, LoadingRow, LotRow, OrderRow, State, UnitRow


class Needs(Struct):
    """Keys of rows that are not in the state yet."""

    units: set[int] = set()
    lots: set[int] = set()
    lot_codes: set[str] = set()
    carriers: set[str] = set()
    assemblies: set[int] = set()
    holds: set[int] = set()
    orders: set[str] = set()
    recalls: set[str] = set()

    def __bool__(self) -> bool:
        """Tell whether anything must be loaded."""
        return any(getattr(self, name) for name in self.__struct_fields__)


def empty_needs() -> Needs:
    """Return needs of nothing."""
    return Needs(**{name: set() for name in Needs.__struct_fields__})


def add_needs(needs: Needs, state: State, command: Command) -> None:  # noqa: C901, PLR0912 one case each
    """Add the keys that a command names and, once those rows are present, the keys that they name."""
    match command:
        case CheckIn() | CheckOut() | AbortOperation() | LoadCarrier() | UnloadCarrier():
            _need_page(needs, state, command)
        case ReceiveLot() | ReleaseLot() | LoadMaterial():
            _need_codes(needs, state, (command.lot,))
        case ImportLots():
            _need_codes(needs, state, (*command.lots, *command.parents.lots))
        case PlaceHold() if command.subject is HoldSubject.LOT:
            _need_codes(needs, state, command.codes)
        case PlaceHold():
            _need_units(needs, state, command.codes)
        case PlaceRecall():
            _need_recall(needs, state, command)
        case ReleaseHold():
            _need_hold(needs, state, command.hold)
        case Disposition():
            _need_units(needs, state, command.units)
        case UnloadMaterial():
            loading = state.get(LoadingRow, (command.station, command.position))
            _need_lot(needs, state, 0 if loading is None else loading.lot)
        case ReleaseOrder() | CloseOrder():
            if state.get(OrderRow, command.order) is None:
                needs.orders.add(command.order)
        case _:
            pass


def _need_page(
    needs: Needs, state: State, command: CheckIn | CheckOut | AbortOperation | LoadCarrier | UnloadCarrier
) -> None:
    _need_units(needs, state, command.units)
    _need_carrier(needs, state, command.carrier)
    if isinstance(command, CheckOut | AbortOperation):
        _need_codes(needs, state, command.lots)
        _need_members(needs, state, command)


def _need_codes(needs: Needs, state: State, codes: Iterable[str]) -> None:
    needs.lot_codes.update(code for code in codes if state.lot_by_code(code) is None)


def _need_unit(needs: Needs, state: State, number: int) -> None:
    if number and state.get(UnitRow, number) is None:
        needs.units.add(number)


def _need_lot(needs: Needs, state: State, number: int) -> None:
    if number and state.get(LotRow, number) is None:
        needs.lots.add(number)


def _need_units(needs: Needs, state: State, codes: tuple[str, ...]) -> None:
    for code in codes:
        parts = split_code(code)
        if parts is not None:
            _need_unit(needs, state, state.unit_id(*parts))


def _need_carrier(needs: Needs, state: State, code: str) -> None:
    if not code:
        return
    row = state.get(CarrierRow, code)
    if row is None:
        needs.carriers.add(code)
        return
    needs.units |= state.missing(UnitRow, row.slots) - {0}


def _need_members(needs: Needs, state: State, command: CheckOut | AbortOperation) -> None:
    """A unit just born may have members that its report assembles, in carriers that it empties, or frees."""
    for code in command.units:
        parts = split_code(code)
        unit = state.get(UnitRow, state.unit_id(*parts)) if parts is not None else None
        if unit is None or unit.step or not _joins(state, unit):
            continue
        assembly = state.get(AssemblyRow, unit.id)
        if assembly is None:
            needs.assemblies.add(unit.id)
            continue
        for number in assembly.members:
            _need_unit(needs, state, number)
            member = state.get(UnitRow, number)
            if member is not None and member.carrier and state.get(CarrierRow, member.carrier) is None:
                needs.carriers.add(member.carrier)


def _joins(state: State, unit: UnitRow) -> bool:
    operation = state.operation_of(unit)
    return operation is not None and operation.members is not None


def _need_recall(needs: Needs, state: State, command: PlaceRecall) -> None:
    """What it names, what holds that, and what the same recall holds already."""
    needs.recalls.add(command.recall)
    _need_codes(needs, state, command.lots)
    units = units_between(state, command.firsts, command.lasts) or ()
    while units:
        needs.units |= state.missing(UnitRow, units)
        rows = [state.get(UnitRow, number) for number in units]
        units = {row.parent for row in rows if row is not None and row.parent}


def _need_hold(needs: Needs, state: State, number: int) -> None:
    row = state.get(HoldRow, number)
    if row is None:
        needs.holds.add(number)
        return
    for subject in row.subjects:
        if row.subject is HoldSubject.UNIT:
            _need_unit(needs, state, subject)
        else:
            _need_lot(needs, state, subject)
