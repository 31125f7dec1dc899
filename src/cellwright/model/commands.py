"""Commands: what equipment and people ask the gate to do. Every command is a page of n units by column."""

from enum import StrEnum

from msgspec import Struct, field

from cellwright.model.correction_commands import CorrectParts, CorrectRuns
from cellwright.model.corrections import ReleaseCorrection
from cellwright.model.job_commands import AbortJob, AmendJob, ClearCall, DispatchJobs, ProveJob, RaiseCall
from cellwright.model.quantities import Measure
from cellwright.model.sample_commands import RecordSample
from cellwright.model.wire import Code, CommandBase, Int64, Patience, Text


class Consumed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Columns of consumed intervals: row k takes [starts, ends) at a position for output `outputs[k]` of the page.

    Starts and ends are in the parent lot's measure, counted from where the lot begins. Lot operations also give
    the interval on the child lot, its lane and whether it runs backwards.
    """

    positions: tuple[Code, ...] = ()
    outputs: tuple[Int64, ...] = ()
    starts: tuple[Int64, ...] = ()
    ends: tuple[Int64, ...] = ()
    output_starts: tuple[Int64, ...] = ()
    output_ends: tuple[Int64, ...] = ()
    lanes: tuple[Int64, ...] = ()
    reversed: tuple[bool, ...] = ()


class Result(Struct, frozen=True, forbid_unknown_fields=True):
    """One characteristic's column of measured values, in its own unit; None = not measured."""

    characteristic: Code
    values: tuple[float | None, ...]


class Profile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A characteristic along the output lot `output` of a page, in its own unit; None = not measured.

    Value k holds for [start + k * step, start + (k + 1) * step) of the lot, in its measure; the last stretch may
    reach beyond the lot's end.
    """

    characteristic: Code
    output: Int64 = 0
    lane: Int64 = 0
    start: Int64 = 0
    step: Int64
    """Length for which one value holds, in the lot's measure; 1 or more."""
    values: tuple[float | None, ...]
    """One value per step; null = not measured."""


class Marks(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Columns of flaws seen on lots: row k is a defect on [starts, ends) of output lot `outputs[k]`, in its measure."""

    defects: tuple[Code, ...] = ()
    """Defect code per row."""
    outputs: tuple[Int64, ...] = ()
    """Per row: which lot of the page it is on, counted from 0."""
    starts: tuple[Int64, ...] = ()
    ends: tuple[Int64, ...] = ()
    lanes: tuple[Int64, ...] = ()


class CheckIn(CommandBase, frozen=True, kw_only=True):
    """Ask before work: units by code or carrier, or `count` new units or lots."""

    station: Code
    operation: Code = ""
    units: tuple[Code, ...] = ()
    carrier: Code = ""
    count: Int64 = 0
    recipe_digest: Code = ""
    person: Code = ""
    job: Code = ""
    """Job order that is carried out; "" = the one of the station that names these units."""


class CheckOut(CommandBase, frozen=True, kw_only=True):
    """Report after work, for a page that was checked in; verdicts empty = all good."""

    station: Code
    operation: Code = ""
    units: tuple[Code, ...] = ()
    lots: tuple[Code, ...] = ()
    carrier: Code = ""
    verdicts: tuple[bool, ...] = ()
    defects: tuple[Code, ...] = ()
    results: tuple[Result, ...] = ()
    quantities: tuple[Int64, ...] = ()
    consumed: Consumed = field(default_factory=Consumed)
    person: Code = ""
    profiles: tuple[Profile, ...] = ()
    """Lot operations only: what was measured along the lots made."""
    marks: Marks = field(default_factory=Marks)
    """Lot operations only: flaws seen on the lots made."""


class AbortOperation(CommandBase, frozen=True, kw_only=True):
    """A person gives up an operation whose machine will never report: units by code or carrier, or all lots of a run."""

    station: Code
    operation: Code = ""
    units: tuple[Code, ...] = ()
    lots: tuple[Code, ...] = ()
    carrier: Code = ""
    reason: Text = ""


class ReceiveLot(CommandBase, frozen=True, kw_only=True):
    """A supplier's lot arrives; quantity in the material's measure; no certificate = not released."""

    lot: Code
    material: Code
    quantity: Int64
    supplier: Code = ""
    expires_us: Int64 = 0
    certificate_sha256: Code = ""


class LoadMaterial(CommandBase, frozen=True, kw_only=True):
    """Put a quantity of a lot on a station's material position."""

    station: Code
    position: Code
    lot: Code
    quantity: Int64


class UnloadMaterial(CommandBase, frozen=True, kw_only=True):
    """Take the rest of a lot off a position; what remains returns to stock."""

    station: Code
    position: Code


class LoadCarrier(CommandBase, frozen=True, kw_only=True):
    """Put units into slots (counted from 0) of a tray or magazine."""

    station: Code
    carrier: Code
    units: tuple[Code, ...]
    slots: tuple[Int64, ...]


class UnloadCarrier(CommandBase, frozen=True, kw_only=True):
    """Take units out of a carrier; no units named = all."""

    station: Code
    carrier: Code
    units: tuple[Code, ...] = ()


class HoldSubject(StrEnum):
    """What a hold applies to."""

    UNIT = "unit"
    LOT = "lot"


class PlaceHold(CommandBase, frozen=True, kw_only=True):
    """Hold units or lots, with a reason."""

    subject: HoldSubject
    codes: tuple[Code, ...]
    reason: Text


class PlaceRecall(CommandBase, frozen=True, kw_only=True):
    """Hold lots and all units of ranges at once, each by the outermost unit that it is in now.

    Range k holds every unit from `firsts[k]` to `lasts[k]`. The same recall again adds only what it does not hold yet.
    """

    recall: Code
    reason: Text
    lots: tuple[Code, ...] = ()
    firsts: tuple[Code, ...] = ()
    lasts: tuple[Code, ...] = ()


class ReleaseHold(CommandBase, frozen=True, kw_only=True):
    """Lift a hold; needs a second person's signature."""

    hold: Int64
    reason: Text
    second_person: Code


class DispositionAction(StrEnum):
    """What to do with a unit that is not good, or that was taken out of another."""

    SCRAP = "scrap"
    REWORK = "rework"
    REUSE = "reuse"


class Disposition(CommandBase, frozen=True, kw_only=True):
    """Scrap units, send them back to an operation of their route, or let removed ones be used again as they are."""

    units: tuple[Code, ...]
    action: DispositionAction
    operation: Code = ""
    reason: Text = ""


class ReplaceMember(CommandBase, frozen=True, kw_only=True):
    """Repair a unit: finished units take the slots of its members; what left is used again only after a disposition."""

    parent: Code
    """Code of the unit that is repaired: a module or pack."""
    members: tuple[Code, ...]
    """Codes of the members that leave."""
    replacements: tuple[Code, ...]
    """Codes of the units that take their slots, one per member."""
    operation: Code = ""
    """Operation of its route from which the repaired unit goes on again; "" = where it stands."""
    reason: Text = ""


class Disassemble(CommandBase, frozen=True, kw_only=True):
    """Take units apart: what is left of them is scrap, and their members are used again only after a disposition."""

    units: tuple[Code, ...]
    reason: Text = ""


class ShipUnits(CommandBase, frozen=True, kw_only=True):
    """Finished units leave for a partner."""

    units: tuple[Code, ...]
    partner: Code
    """Code of the partner that gets them."""
    reference: Code = ""
    """Delivery note or the like; "" = none."""


class ReturnUnits(CommandBase, frozen=True, kw_only=True):
    """Shipped units come back; each is used again only after a disposition."""

    units: tuple[Code, ...]
    reason: Text = ""


class InstallPack(CommandBase, frozen=True, kw_only=True):
    """Packs were built into vehicles, row by row."""

    packs: tuple[Code, ...]
    vehicles: tuple[Code, ...]
    """Vehicle of each pack: its VIN, 17 characters."""
    positions: tuple[Code, ...] = ()
    """Where in its vehicle each pack is, as the maker names it; no list = the vehicle has one place, ""."""
    times_us: tuple[Int64, ...] = ()
    """When each was built in, UTC us; no list = now."""


class RemovePack(CommandBase, frozen=True, kw_only=True):
    """Packs were taken out of the vehicles that they are in."""

    packs: tuple[Code, ...]
    times_us: tuple[Int64, ...] = ()
    """When each was taken out, UTC us; no list = now."""
    reason: Text = ""


class AssignCode(CommandBase, frozen=True, kw_only=True):
    """Units get another printed code, as GB/T 34014 wants for second use; both codes name them from then on."""

    units: tuple[Code, ...]
    codes: tuple[Code, ...]
    """New code of each unit: 16 to 25 digits and capitals."""
    reason: Text = ""


class ReleaseLot(CommandBase, frozen=True, kw_only=True):
    """Release a received lot after its certificate was checked."""

    lot: Code
    certificate_sha256: Code


class ReplaceTool(CommandBase, frozen=True, kw_only=True):
    """A new tool begins its life at a station."""

    station: Code
    tool: Code


class RecordCalibration(CommandBase, frozen=True, kw_only=True):
    """A station was calibrated; valid until `valid_until_us` (UTC us)."""

    station: Code
    valid_until_us: Int64
    certificate_sha256: Code = ""


class AddPerson(CommandBase, frozen=True, kw_only=True):
    """Make a person known by badge code, with roles."""

    person: Code
    roles: tuple[Code, ...]


class DisablePerson(CommandBase, frozen=True, kw_only=True):
    """A person may act no more."""

    person: Code


class QualifyPerson(CommandBase, frozen=True, kw_only=True):
    """A person holds a qualification until `valid_until_us` (UTC us)."""

    person: Code
    qualification: Code
    valid_until_us: Int64


class ReleasePlant(CommandBase, frozen=True, kw_only=True):
    """The plant's files were loaded; routes that changed become new revisions. Body: JSON of each route."""

    plant: Code
    routes: tuple[str, ...]


class ReleaseOrder(CommandBase, frozen=True, kw_only=True):
    """Order a quantity of good units of a product, due at `due_us` (UTC us; 0 = whenever)."""

    order: Code
    product: Code
    quantity: Int64
    due_us: Int64 = 0


class CloseOrder(CommandBase, frozen=True, kw_only=True):
    """No more units begin for an order, with a reason."""

    order: Code
    reason: Text


class Parents(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Columns of what lots were made of: row k says that lot `outputs[k]` of the page was made of `lots[k]`.

    Starts and ends are in the parent's measure, output starts and ends in the child's. A stretch that nobody recorded
    is null at both its ends: then the whole lot counts, and a trace says so.
    """

    lots: tuple[Code, ...] = ()
    """Codes of the parents."""
    outputs: tuple[Int64, ...] = ()
    """Per row: which lot of the page was made of it, counted from 0."""
    starts: tuple[Int64 | None, ...] = ()
    """Where each stretch begins on the parent; null = nobody recorded it; no list = none of them."""
    ends: tuple[Int64 | None, ...] = ()
    """Where each stretch ends on the parent (not included)."""
    output_starts: tuple[Int64 | None, ...] = ()
    """Where each stretch begins on the lot that was made."""
    output_ends: tuple[Int64 | None, ...] = ()
    """Where each stretch ends on the lot that was made (not included)."""
    lanes: tuple[Int64, ...] = ()
    reversed: tuple[bool, ...] = ()
    tolerances: tuple[Int64, ...] = ()
    """How far the ends may be off, in the parent's measure; no list = not at all."""


class ImportLots(CommandBase, frozen=True, kw_only=True):
    """Take over lots that another system recorded, and what they were made of; they stay unreleased.

    Parents are lots of the same page, or lots that are known here already. Quantity 0 = nobody knows how much it was.
    """

    lots: tuple[Code, ...]
    """Codes that are not known here yet, at most 1,000."""
    materials: tuple[Code, ...]
    """What each is; a code of `materials.toml` where there is one."""
    measures: tuple[Measure, ...]
    """Unit in which each is counted."""
    quantities: tuple[Int64, ...]
    """How much each was when it was whole; 0 = nobody knows."""
    remaining: tuple[Int64, ...] = ()
    """What of each is in stock here: its end; no list = nothing."""
    suppliers: tuple[Code, ...] = ()
    """Code of each supplier; "" = none."""
    made_us: tuple[Int64, ...] = ()
    """When each was made, UTC us; 0 = nobody knows."""
    parents: Parents = field(default_factory=Parents)
    """What they were made of, at most 5,000 rows; see Parents."""
    origin: Code = ""
    """Where they were recorded: the name of a system or a file."""


Command = (
    CheckIn
    | CheckOut
    | AbortOperation
    | ReceiveLot
    | LoadMaterial
    | UnloadMaterial
    | LoadCarrier
    | UnloadCarrier
    | PlaceHold
    | PlaceRecall
    | ReleaseHold
    | Disposition
    | ReplaceMember
    | Disassemble
    | ShipUnits
    | ReturnUnits
    | InstallPack
    | RemovePack
    | AssignCode
    | ReleaseLot
    | ReplaceTool
    | RecordCalibration
    | RecordSample
    | ReleaseCorrection
    | AddPerson
    | DisablePerson
    | QualifyPerson
    | ReleasePlant
    | ReleaseOrder
    | CloseOrder
    | ImportLots
    | DispatchJobs
    | ProveJob
    | AmendJob
    | AbortJob
    | RaiseCall
    | ClearCall
    | CorrectRuns
    | CorrectParts
)


class Submission(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A command with its identity: the same (source, epoch, seq) always gets the same answer.

    `time_us` is the sender's clock (UTC us): data, never order. `patience_us` says how long the gate may keep
    a command that comes before its turn (host time) before it must refuse.
    """

    source: Code
    epoch: Int64
    seq: Int64
    time_us: Int64
    actor: Code
    command: Command
    patience_us: Patience = 0
