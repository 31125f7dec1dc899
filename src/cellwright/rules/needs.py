"""Which rows a command may touch: what the gate must load before it decides."""

from collections.abc import Iterable

from msgspec import Struct

from cellwright.model.commands import (
    AbortOperation,
    AssignCode,
    CheckIn,
    CheckOut,
    CloseOrder,
    Command,
    Disassemble,
    Disposition,
    HoldSubject,
    ImportLots,
    InstallPack,
    LoadCarrier,
    LoadMaterial,
    PlaceHold,
    PlaceRecall,
    ReceiveLot,
    ReleaseHold,
    ReleaseLot,
    ReleaseOrder,
    RemovePack,
    ReplaceMember,
    ReturnUnits,
    ShipUnits,
    UnloadCarrier,
    UnloadMaterial,
)
from cellwright.model.correction_commands import CorrectParts, CorrectRuns
from cellwright.model.ids import is_given_code
from cellwright.model.job_commands import AbortJob, AmendJob, ClearCall, DispatchJobs, ProveJob, RaiseCall
from cellwright.model.sample_commands import RecordSample
from cellwright.rules.corrected_runs import REPETITION_MAX, units_from_to
from cellwright.rules.dated import GivenCodeRow, OrderRow
from cellwright.rules.job_rows import CallRow, JobRow
from cellwright.rules.pages import unit_number
from cellwright.rules.recalls import units_between
from cellwright.rules.sampling import operation_sampled, units_at_stake
from cellwright.rules.state import (
    AssemblyRow,
    CarrierRow,
    HoldRow,
    LoadingRow,
    LotPartRow,
    LotRow,
    State,
    UnitRow,
    UnitStatus,
)


class Needs(Struct):
    """Keys of rows that are not in the state yet."""

    units: set[int] = set()
    lots: set[int] = set()
    lot_codes: set[str] = set()
    carriers: set[str] = set()
    assemblies: set[int] = set()
    memberships: set[int] = set()
    """Units of which it must be known when they were members."""
    installations: set[int] = set()
    """Packs of which it must be known in which vehicles they were."""
    vehicles: set[str] = set()
    shipments: set[int] = set()
    given_codes: set[str] = set()
    holds: set[int] = set()
    orders: set[str] = set()
    recalls: set[str] = set()
    jobs: set[str] = set()
    calls: set[str] = set()
    runs: set[tuple[str, int, int, int]] = set()
    """Positions, repetitions, first and last units whose runs are corrected."""
    uses: set[int] = set()
    """Lots of which it must be known what took of them."""
    made_of: set[int] = set()
    """Lots of which all must be known that they were made of, directly or not."""

    def __bool__(self) -> bool:
        """Tell whether anything must be loaded."""
        return any(getattr(self, name) for name in self.__struct_fields__)


def empty_needs() -> Needs:
    """Return needs of nothing."""
    return Needs(**{name: set() for name in Needs.__struct_fields__})


def add_needs(needs: Needs, state: State, command: Command) -> None:  # noqa: C901, PLR0912, PLR0915 one case each
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
        case CorrectRuns():
            _need_corrected_runs(needs, state, command)
        case CorrectParts():
            _need_corrected_parts(needs, state, command)
        case ReleaseHold():
            _need_hold(needs, state, command.hold)
        case Disposition():
            _need_units(needs, state, command.units)
        case ReplaceMember():
            _need_units(needs, state, (command.parent, *command.members, *command.replacements))
            _need_memberships(needs, state, _numbers(state, (*command.members, *command.replacements)))
            _need_assemblies(needs, state, _numbers(state, (command.parent,)))
        case Disassemble():
            _need_units(needs, state, command.units)
            _need_assemblies(needs, state, _numbers(state, command.units))
        case ShipUnits() | ReturnUnits():
            _need_units(needs, state, command.units)
            _need_shipments(needs, state, command.units)
            _need_installations(needs, state, _installed(state, command.units))
        case InstallPack() | RemovePack():
            _need_travel(needs, state, command)
        case AssignCode():
            _need_units(needs, state, command.units)
            _need_free(needs, state, command.codes)
        case UnloadMaterial():
            loading = state.get(LoadingRow, (command.station, command.position))
            _need_lot(needs, state, 0 if loading is None else loading.lot)
        case ReleaseOrder() | CloseOrder():
            if state.get(OrderRow, command.order) is None:
                needs.orders.add(command.order)
        case RecordSample():
            _need_sampled(needs, state, command)
        case DispatchJobs() | ProveJob() | AmendJob() | AbortJob():
            _need_jobs(needs, state, command)
        case RaiseCall() | ClearCall():
            if state.get(CallRow, command.call) is None:
                needs.calls.add(command.call)
        case _:
            pass


def _need_jobs(needs: Needs, state: State, command: DispatchJobs | ProveJob | AmendJob | AbortJob) -> None:
    jobs = command.jobs if isinstance(command, DispatchJobs) else ()
    codes = [job.job for job in jobs] if isinstance(command, DispatchJobs) else [command.job]
    needs.jobs.update(code for code in codes if state.get(JobRow, code) is None)
    for job in jobs:
        _need_units(needs, state, (*job.units, *job.members))
        if job.order and state.get(OrderRow, job.order) is None:
            needs.orders.add(job.order)
    if isinstance(command, AmendJob):
        _need_units(needs, state, (*command.members, *command.replacements))


def _need_page(
    needs: Needs, state: State, command: CheckIn | CheckOut | AbortOperation | LoadCarrier | UnloadCarrier
) -> None:
    _need_units(needs, state, command.units)
    _need_carrier(needs, state, command.carrier)
    if isinstance(command, CheckOut | AbortOperation):
        _need_codes(needs, state, command.lots)
        _need_members(needs, state, command)
        for job in state.jobs.at(command.station):
            needs.units |= state.missing(UnitRow, job.page)


def _need_codes(needs: Needs, state: State, codes: Iterable[str]) -> None:
    needs.lot_codes.update(code for code in codes if state.lot_by_code(code) is None)


def _need_unit(needs: Needs, state: State, number: int) -> None:
    if number and state.get(UnitRow, number) is None:
        needs.units.add(number)


def _need_lot(needs: Needs, state: State, number: int) -> None:
    if number and state.get(LotRow, number) is None:
        needs.lots.add(number)


def _need_units(needs: Needs, state: State, codes: Iterable[str]) -> None:
    for code in codes:
        number = unit_number(state, code)
        if number:
            _need_unit(needs, state, number)
        else:
            _need_given_code(needs, state, code)


def _need_given_code(needs: Needs, state: State, code: str) -> None:
    if is_given_code(code) and state.get(GivenCodeRow, code) is None:
        needs.given_codes.add(code)


def _numbers(state: State, codes: Iterable[str]) -> list[int]:
    """Return the ids of units by their codes, without those that have none."""
    return [number for code in codes if (number := unit_number(state, code))]


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
        unit = state.get(UnitRow, unit_number(state, code))
        if unit is None or unit.step or not _joins(state, unit):
            continue
        _need_assemblies(needs, state, (unit.id,))


def _need_assemblies(needs: Needs, state: State, units: Iterable[int]) -> None:
    """Add the assemblies of units, and what must be known of their members."""
    for number in units:
        assembly = state.get(AssemblyRow, number)
        if assembly is None:
            needs.assemblies.add(number)
            continue
        _need_memberships(needs, state, assembly.members)


def _need_memberships(needs: Needs, state: State, members: Iterable[int]) -> None:
    for number in members:
        _need_unit(needs, state, number)
        member = state.get(UnitRow, number)
        if number and state.memberships.get(number) is None:
            needs.memberships.add(number)
        if member is not None and member.carrier and state.get(CarrierRow, member.carrier) is None:
            needs.carriers.add(member.carrier)


def _need_shipments(needs: Needs, state: State, codes: Iterable[str]) -> None:
    needs.shipments.update(number for number in _numbers(state, codes) if state.shipments.get(number) is None)


def _need_installations(needs: Needs, state: State, packs: Iterable[int]) -> None:
    needs.installations.update(number for number in packs if state.installations.get(number) is None)


def _installed(state: State, codes: Iterable[str]) -> list[int]:
    rows = (state.get(UnitRow, number) for number in _numbers(state, codes))
    return [row.id for row in rows if row is not None and row.status is UnitStatus.INSTALLED]


def _need_travel(needs: Needs, state: State, command: InstallPack | RemovePack) -> None:
    _need_units(needs, state, command.packs)
    _need_shipments(needs, state, command.packs)
    _need_installations(needs, state, _numbers(state, command.packs))
    if isinstance(command, InstallPack):
        positions = command.positions or ("",) * len(command.vehicles)
        places = zip(command.vehicles, positions, strict=False)
        needs.vehicles.update(place[0] for place in places if state.places.get(place) is None)


def _need_free(needs: Needs, state: State, codes: Iterable[str]) -> None:
    """Add all that could have a code already."""
    for code in codes:
        _need_given_code(needs, state, code)
        _need_codes(needs, state, (code,))
        if state.get(CarrierRow, code) is None:
            needs.carriers.add(code)


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


def _need_sampled(needs: Needs, state: State, command: RecordSample) -> None:
    """What the sample was taken of, and what a failed one would stop."""
    _need_units(needs, state, command.units)
    operation = operation_sampled(state.plant, command.station, command.operation)
    units = units_at_stake(state, command.station, operation) | set(_numbers(state, command.units))
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


def _need_corrected_runs(needs: Needs, state: State, command: CorrectRuns) -> None:
    """What is recorded of the units, and what else is recorded of the lots."""
    _need_codes(needs, state, (*command.recorded, *command.lots))
    ranges = (units_from_to(state, first, last) for first, last in zip(command.firsts, command.lasts, strict=False))
    is_known = 0 <= command.repetition <= REPETITION_MAX
    needs.runs |= {(command.position, command.repetition, *each) for each in ranges if is_known and each is not None}
    lots = (state.lot_by_code(code) for code in (*command.recorded, *command.lots))
    needs.uses |= {lot.id for lot in lots if lot is not None}


def _need_corrected_parts(needs: Needs, state: State, command: CorrectParts) -> None:
    """The parts of the lots, what the new parents were made of, and what else is recorded of all parents."""
    _need_codes(needs, state, (*command.lots, *command.parents))
    lots = {lot.id for code in command.lots if (lot := state.lot_by_code(code)) is not None}
    parents = {lot.id for code in command.parents if (lot := state.lot_by_code(code)) is not None}
    parents |= {part.parent for part in state.rows(LotPartRow) if part.child in lots}
    for number in parents:
        _need_lot(needs, state, number)
    needs.made_of |= lots | parents
    needs.uses |= parents
