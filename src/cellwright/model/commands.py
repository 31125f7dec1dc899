"""Commands: what equipment and people ask the gate to do. Every command is a page of n units by column."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct, field

from cellwright.model.quantities import Measure

Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""A whole number that every store and protocol can carry."""

Code = Annotated[str, Meta(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""A code or name as printed or configured: at most 128 characters, no control characters."""

Text = Annotated[str, Meta(max_length=2000)]
"""What a person writes, at most 2,000 characters."""

Patience = Annotated[int, Meta(ge=0, le=3_600_000_000)]
"""Microseconds of host time, at most an hour."""


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


class _Command(Struct, frozen=True, kw_only=True, tag=True, forbid_unknown_fields=True):
    """Base of all commands."""


class CheckIn(_Command, frozen=True, kw_only=True):
    """Ask before work: units by code or carrier, or `count` new units or lots."""

    station: Code
    operation: Code = ""
    units: tuple[Code, ...] = ()
    carrier: Code = ""
    count: Int64 = 0
    recipe_digest: Code = ""
    person: Code = ""


class CheckOut(_Command, frozen=True, kw_only=True):
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


class AbortOperation(_Command, frozen=True, kw_only=True):
    """A person gives up an operation whose machine will never report: units by code or carrier, or all lots of a run."""

    station: Code
    operation: Code = ""
    units: tuple[Code, ...] = ()
    lots: tuple[Code, ...] = ()
    carrier: Code = ""
    reason: Text = ""


class ReceiveLot(_Command, frozen=True, kw_only=True):
    """A supplier's lot arrives; quantity in the material's measure; no certificate = not released."""

    lot: Code
    material: Code
    quantity: Int64
    supplier: Code = ""
    expires_us: Int64 = 0
    certificate_sha256: Code = ""


class LoadMaterial(_Command, frozen=True, kw_only=True):
    """Put a quantity of a lot on a station's material position."""

    station: Code
    position: Code
    lot: Code
    quantity: Int64


class UnloadMaterial(_Command, frozen=True, kw_only=True):
    """Take the rest of a lot off a position; what remains returns to stock."""

    station: Code
    position: Code


class LoadCarrier(_Command, frozen=True, kw_only=True):
    """Put units into slots (counted from 0) of a tray or magazine."""

    station: Code
    carrier: Code
    units: tuple[Code, ...]
    slots: tuple[Int64, ...]


class UnloadCarrier(_Command, frozen=True, kw_only=True):
    """Take units out of a carrier; no units named = all."""

    station: Code
    carrier: Code
    units: tuple[Code, ...] = ()


class HoldSubject(StrEnum):
    """What a hold applies to."""

    UNIT = "unit"
    LOT = "lot"


class PlaceHold(_Command, frozen=True, kw_only=True):
    """Hold units or lots, with a reason."""

    subject: HoldSubject
    codes: tuple[Code, ...]
    reason: Text


class PlaceRecall(_Command, frozen=True, kw_only=True):
    """Hold lots and all units of ranges at once, each by the outermost unit that it is in now.

    Range k holds every unit from `firsts[k]` to `lasts[k]`. The same recall again adds only what it does not hold yet.
    """

    recall: Code
    reason: Text
    lots: tuple[Code, ...] = ()
    firsts: tuple[Code, ...] = ()
    lasts: tuple[Code, ...] = ()


class ReleaseHold(_Command, frozen=True, kw_only=True):
    """Lift a hold; needs a second person's signature."""

    hold: Int64
    reason: Text
    second_person: Code


class DispositionAction(StrEnum):
    """What to do with a unit that is not good, or that was taken out of another."""

    SCRAP = "scrap"
    REWORK = "rework"
    REUSE = "reuse"


class Disposition(_Command, frozen=True, kw_only=True):
    """Scrap units, send them back to an operation of their route, or let removed ones be used again as they are."""

    units: tuple[Code, ...]
    action: DispositionAction
    operation: Code = ""
    reason: Text = ""


class ReplaceMember(_Command, frozen=True, kw_only=True):
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


class Disassemble(_Command, frozen=True, kw_only=True):
    """Take units apart: what is left of them is scrap, and their members are used again only after a disposition."""

    units: tuple[Code, ...]
    reason: Text = ""


class ShipUnits(_Command, frozen=True, kw_only=True):
    """Finished units leave for a partner."""

    units: tuple[Code, ...]
    partner: Code
    """Code of the partner that gets them."""
    reference: Code = ""
    """Delivery note or the like; "" = none."""


class ReturnUnits(_Command, frozen=True, kw_only=True):
    """Shipped units come back; each is used again only after a disposition."""

    units: tuple[Code, ...]
    reason: Text = ""


class InstallPack(_Command, frozen=True, kw_only=True):
    """Packs were built into vehicles, row by row."""

    packs: tuple[Code, ...]
    vehicles: tuple[Code, ...]
    """Vehicle of each pack: its VIN, 17 characters."""
    positions: tuple[Code, ...] = ()
    """Where in its vehicle each pack is, as the maker names it; no list = the vehicle has one place, ""."""
    times_us: tuple[Int64, ...] = ()
    """When each was built in, UTC us; no list = now."""


class RemovePack(_Command, frozen=True, kw_only=True):
    """Packs were taken out of the vehicles that they are in."""

    packs: tuple[Code, ...]
    times_us: tuple[Int64, ...] = ()
    """When each was taken out, UTC us; no list = now."""
    reason: Text = ""


class AssignCode(_Command, frozen=True, kw_only=True):
    """Units get another printed code, as GB/T 34014 wants for second use; both codes name them from then on."""

    units: tuple[Code, ...]
    codes: tuple[Code, ...]
    """New code of each unit: 16 to 25 digits and capitals."""
    reason: Text = ""


class ReleaseLot(_Command, frozen=True, kw_only=True):
    """Release a received lot after its certificate was checked."""

    lot: Code
    certificate_sha256: Code


class ReplaceTool(_Command, frozen=True, kw_only=True):
    """A new tool begins its life at a station."""

    station: Code
    tool: Code


class RecordCalibration(_Command, frozen=True, kw_only=True):
    """A station was calibrated; valid until `valid_until_us` (UTC us)."""

    station: Code
    valid_until_us: Int64
    certificate_sha256: Code = ""


class AddPerson(_Command, frozen=True, kw_only=True):
    """Make a person known by badge code, with roles."""

    person: Code
    roles: tuple[Code, ...]


class DisablePerson(_Command, frozen=True, kw_only=True):
    """A person may act no more."""

    person: Code


class QualifyPerson(_Command, frozen=True, kw_only=True):
    """A person holds a qualification until `valid_until_us` (UTC us)."""

    person: Code
    qualification: Code
    valid_until_us: Int64


class ReleasePlant(_Command, frozen=True, kw_only=True):
    """The plant's files were loaded; routes that changed become new revisions. Body: JSON of each route."""

    plant: Code
    routes: tuple[str, ...]


class ReleaseOrder(_Command, frozen=True, kw_only=True):
    """Order a quantity of good units of a product, due at `due_us` (UTC us; 0 = whenever)."""

    order: Code
    product: Code
    quantity: Int64
    due_us: Int64 = 0


class CloseOrder(_Command, frozen=True, kw_only=True):
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


class ImportLots(_Command, frozen=True, kw_only=True):
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


class CorrectRuns(_Command, frozen=True, kw_only=True):
    """Units took other lots, or other stretches, than was recorded; needs a second person's signature.

    Row k: by the record all units from `firsts[k]` to `lasts[k]` took `recorded[k]`; they took `lots[k]`, from
    `starts[k]` on.
    """

    position: Code
    firsts: tuple[Code, ...]
    lasts: tuple[Code, ...]
    recorded: tuple[Code, ...]
    """Lot that the record names, so that nothing is corrected that somebody else corrected meanwhile."""
    lots: tuple[Code, ...]
    """Lot that each row really took; the recorded one where only the stretch was wrong."""
    starts: tuple[Int64, ...]
    """Where on it the first unit began, in its measure."""
    ends: tuple[Int64, ...] = ()
    """Where the last unit ended; no list = as long as recorded."""
    repetition: Int64 = 0
    """0 for the first time that units took something there, n for the n-th time again."""
    reason: Text
    second_person: Code


class CorrectParts(_Command, frozen=True, kw_only=True):
    """Parts of lots came from elsewhere than was recorded; needs a second person's signature.

    Row k is part `numbers[k]` of lot `lots[k]`. The other columns are those of Parents; no list = as recorded.
    """

    lots: tuple[Code, ...]
    numbers: tuple[Int64, ...]
    """Which part of each lot, as its trace numbers them: `part N`."""
    parents: tuple[Code, ...] = ()
    """Lot that each part really came from."""
    starts: tuple[Int64, ...] = ()
    ends: tuple[Int64, ...] = ()
    output_starts: tuple[Int64, ...] = ()
    output_ends: tuple[Int64, ...] = ()
    lanes: tuple[Int64, ...] = ()
    reversed: tuple[bool, ...] = ()
    tolerances: tuple[Int64, ...] = ()
    """As in Parents; -1 = nobody knows where on both lots it lay."""
    reason: Text
    second_person: Code


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
    | AddPerson
    | DisablePerson
    | QualifyPerson
    | ReleasePlant
    | ReleaseOrder
    | CloseOrder
    | ImportLots
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
