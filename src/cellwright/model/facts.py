"""Facts: what was decided, in the past tense. They grow only by fields with defaults; old ones decode for ever."""

from typing import Final

from msgspec import Struct, field

from cellwright.model.answers import Reason
from cellwright.model.commands import HoldSubject, Result
from cellwright.model.correction_facts import PartsCorrected, RunsCorrected
from cellwright.model.corrections import CorrectedBy, CorrectionReleased
from cellwright.model.ids import UnitKind
from cellwright.model.job_facts import CallCleared, CallRaised, JobAmended, JobEnded, JobProved, JobsDispatched
from cellwright.model.quantities import Measure
from cellwright.model.routes import Route
from cellwright.model.sample_facts import SampleRecorded
from cellwright.model.webs import LotMark, LotProfile
from cellwright.model.wire import FactBase

UNPLACED: Final = -1
"""Tolerance of a part of which nobody knows where on its two stretches: any of one may be anywhere in the other."""


class Taken(Struct, frozen=True):
    """A quantity of a position, in the lot's measure."""

    position: str
    quantity: int


class RunPart(Struct, frozen=True, kw_only=True):
    """Units of a page took intervals of one lot: unit k took [starts[k], ends[k])."""

    kind: str
    lot: int
    units: tuple[int, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    tolerance: int = 0
    """How far the folded run may lie from these counters."""
    counter_tolerance: int = 0
    layer: int = 0
    """0 for the first time a unit consumed this kind, n for the n-th repetition."""


class LotPart(Struct, frozen=True, kw_only=True):
    """Interval [parent_start, parent_end) of a lot became [child_start, child_end) of another, affinely."""

    parent: int
    child: int
    parent_start: int
    parent_end: int
    child_start: int
    child_end: int
    lane: int = 0
    reversed: bool = False
    tolerance: int = 0
    """How far either end may be off; -1 = any of one stretch may be anywhere in the other, in no known order."""


class RouteReleased(FactBase, frozen=True, kw_only=True):
    """A route got a revision; the whole route is kept, so that units finish on it."""

    route: Route


class LotReceived(FactBase, frozen=True, kw_only=True):
    """A supplier's lot is in stock."""

    lot: int
    code: str
    material: str
    measure: Measure
    quantity: int
    supplier: str = ""
    expires_us: int = 0
    certificate_sha256: str = ""
    released: bool = False


class LotReleased(FactBase, frozen=True, kw_only=True):
    """A lot may be used."""

    lot: int
    certificate_sha256: str


class LotsOpened(FactBase, frozen=True, kw_only=True):
    """Lots that a station was admitted to make; their quantity is known when they are transformed."""

    station: str
    operation: str
    material: str
    measure: Measure
    lots: tuple[int, ...]
    codes: tuple[str, ...]


class MaterialLoaded(FactBase, frozen=True, kw_only=True):
    """A quantity of a lot moved from stock to a position."""

    station: str
    position: str
    lot: int
    quantity: int
    start: int = 0
    """Where on the lot the position's use begins, in the lot's measure."""


class MaterialUnloaded(FactBase, frozen=True, kw_only=True):
    """What remained at a position went back to stock."""

    station: str
    position: str
    lot: int
    quantity: int


class OperationStarted(FactBase, frozen=True, kw_only=True):
    """A page of units or lots was admitted at a station; material is reserved."""

    station: str
    operation: str
    units: tuple[int, ...] = ()
    lots: tuple[int, ...] = ()
    carrier: str = ""
    recipe: str = ""
    recipe_revision: int = 0
    recipe_digest: str = ""
    person: str = ""
    members: tuple[int, ...] = ()
    """Units reserved to become members of the page's unit."""
    reserved: tuple[Taken, ...] = ()
    job: str = ""
    """Job order that is carried out; "" = none."""


class UnitsCommissioned(FactBase, frozen=True, kw_only=True):
    """Unit ids [id_from, id_from + count) were born, with codes by arithmetic."""

    station: str
    operation: str
    kind: UnitKind
    product: str
    route: int
    id_from: int
    count: int
    prefix: str
    serial_from: int


class OperationCompleted(FactBase, frozen=True, kw_only=True):
    """A page of units left a station: verdicts, results, what was consumed, and where each goes next."""

    station: str
    operation: str
    units: tuple[int, ...]
    verdicts: tuple[bool, ...]
    attempts: tuple[int, ...]
    next_steps: tuple[int, ...]
    """Index of the next operation on each unit's route; the route's length when finished."""
    carrier: str = ""
    defects: tuple[str, ...] = ()
    results: tuple[Result, ...] = ()
    grades: tuple[str, ...] = ()
    taken: tuple[Taken, ...] = ()
    released: tuple[Taken, ...] = ()
    """Reservations that end with this page."""
    parts: tuple[RunPart, ...] = ()
    tools: tuple[str, ...] = ()
    """Tools that wore by one use per unit."""
    person: str = ""
    clock_skewed: bool = False
    corrected: tuple[CorrectedBy, ...] = ()
    sampled: bool = False
    """Whether samples of the operation speak for these units."""


class OperationAborted(FactBase, frozen=True, kw_only=True):
    """A person gave up an operation: its units wait for it again, its lots are rejected; nothing was booked."""

    station: str
    operation: str
    units: tuple[int, ...] = ()
    lots: tuple[int, ...] = ()
    attempts: tuple[int, ...] = ()
    """How often each unit has now been at this operation, the attempt that was given up included."""
    members: tuple[int, ...] = ()
    """Units that were reserved to become members, and are free again."""
    carrier: str = ""
    released: tuple[Taken, ...] = ()
    """Reservations that end."""
    reason: str = ""


class LotTransformed(FactBase, frozen=True, kw_only=True):
    """Lots were made from others: quantities, parts, results and verdicts by output."""

    station: str
    operation: str
    lots: tuple[int, ...]
    quantities: tuple[int, ...]
    verdicts: tuple[bool, ...]
    parts: tuple[LotPart, ...]
    taken: tuple[Taken, ...]
    released: tuple[Taken, ...] = ()
    """Reservations that end with this run."""
    defects: tuple[str, ...] = ()
    results: tuple[Result, ...] = ()
    expires_us: tuple[int, ...] = ()
    tools: tuple[str, ...] = ()
    person: str = ""
    clock_skewed: bool = False
    profiles: tuple[LotProfile, ...] = ()
    """What was measured along the lots made."""
    marks: tuple[LotMark, ...] = ()
    """Flaws seen on the lots made."""


class Assembled(FactBase, frozen=True, kw_only=True):
    """Units became members of a parent, by slot; other slots stay as they are."""

    parent: int
    members: tuple[int, ...]
    slots: tuple[int, ...]
    replaced: tuple[int, ...] = ()
    """Units that had been in the slots, in a repair; no list = the parent was assembled for the first time."""
    reason: str = ""


class Disassembled(FactBase, frozen=True, kw_only=True):
    """Members left their parent; each is used again only after a disposition."""

    parent: int
    members: tuple[int, ...]
    """Numbers of the units that left."""
    slots: tuple[int, ...] = ()
    reason: str = ""


class UnitsShipped(FactBase, frozen=True, kw_only=True):
    """Units left for a partner."""

    units: tuple[int, ...]
    partner: str
    """Code of the partner that got them."""
    reference: str = ""
    """Delivery note or the like; "" = none."""


class UnitsReturned(FactBase, frozen=True, kw_only=True):
    """Units came back from the partner that had them; each is used again only after a disposition."""

    units: tuple[int, ...]
    reason: str = ""


class PackInstalled(FactBase, frozen=True, kw_only=True):
    """Packs were built into vehicles, row by row."""

    packs: tuple[int, ...]
    """Numbers of the packs."""
    vehicles: tuple[str, ...]
    """VIN of each vehicle."""
    positions: tuple[str, ...]
    """Place of each pack in its vehicle; "" = its only one."""
    times_us: tuple[int, ...]
    """When each was built in, UTC us."""
    holders: tuple[str, ...]
    """Partner who had each pack; "" = it came from stock here."""


class PackRemoved(FactBase, frozen=True, kw_only=True):
    """Packs were taken out of vehicles, row by row."""

    packs: tuple[int, ...]
    """Numbers of the packs."""
    vehicles: tuple[str, ...]
    """VIN of each vehicle."""
    times_us: tuple[int, ...]
    """When each was taken out, UTC us."""
    holders: tuple[str, ...]
    """Partner who has each pack now; "" = it is here and waits for a disposition."""
    reason: str = ""


class CodesAssigned(FactBase, frozen=True, kw_only=True):
    """Units got further printed codes; the ones before stay theirs."""

    units: tuple[int, ...]
    codes: tuple[str, ...]
    """New code of each unit."""
    reason: str = ""


class CarrierLoaded(FactBase, frozen=True, kw_only=True):
    """Units were put into slots of a carrier."""

    station: str
    carrier: str
    units: tuple[int, ...]
    slots: tuple[int, ...]


class CarrierUnloaded(FactBase, frozen=True, kw_only=True):
    """Units were taken out of a carrier."""

    station: str
    carrier: str
    units: tuple[int, ...]


class Held(FactBase, frozen=True, kw_only=True):
    """Units or lots may not go on until released."""

    hold: int
    subject: HoldSubject
    subjects: tuple[int, ...]
    reason: str
    recall: str = ""
    """The recall that it is part of, "" = none."""


class Released(FactBase, frozen=True, kw_only=True):
    """A hold was lifted by two people."""

    hold: int
    reason: str
    second_person: str


class Dispositioned(FactBase, frozen=True, kw_only=True):
    """Units were scrapped, or sent back to a step of their route."""

    units: tuple[int, ...]
    action: str
    reason: str
    step: int = -1


class ToolReplaced(FactBase, frozen=True, kw_only=True):
    """A new tool began its life."""

    station: str
    tool: str


class CalibrationRecorded(FactBase, frozen=True, kw_only=True):
    """A station's calibration is valid until `valid_until_us`."""

    station: str
    valid_until_us: int
    certificate_sha256: str = ""


class PersonAdded(FactBase, frozen=True, kw_only=True):
    """A person is known, with roles."""

    person: str
    roles: tuple[str, ...]


class PersonDisabled(FactBase, frozen=True, kw_only=True):
    """A person may act no more."""

    person: str


class PersonQualified(FactBase, frozen=True, kw_only=True):
    """A person holds a qualification until `valid_until_us`."""

    person: str
    qualification: str
    valid_until_us: int


class OrderReleased(FactBase, frozen=True, kw_only=True):
    """A quantity of good units of a product is wanted; units born from now on may be made for it."""

    order: str
    product: str
    quantity: int
    due_us: int = 0


class OrderClosed(FactBase, frozen=True, kw_only=True):
    """No more units begin for an order."""

    order: str
    reason: str


class LotsImported(FactBase, frozen=True, kw_only=True):
    """Lots that another system recorded are known here, with what they were made of; none may be used before release."""

    lots: tuple[int, ...]
    codes: tuple[str, ...]
    materials: tuple[str, ...]
    """What each is; it need not be a material of the plant."""
    measures: tuple[Measure, ...]
    """Unit in which each is counted."""
    quantities: tuple[int, ...]
    """How much each was when it was whole; 0 = nobody knows."""
    remaining: tuple[int, ...]
    """What of each is in stock here: its end."""
    suppliers: tuple[str, ...] = ()
    """Code of each supplier; no list = none."""
    made_us: tuple[int, ...] = ()
    """When each was made, UTC us; 0 or no list = nobody knows."""
    parts: tuple[LotPart, ...] = ()
    origin: str = ""
    """Where they were recorded: the name of a system or a file."""


class Refused(FactBase, frozen=True, kw_only=True):
    """A command was refused; nothing else changed."""

    command: str
    """Type of the command, or "" when it could not be read."""
    reasons: tuple[Reason, ...]
    station: str = ""
    excerpt: str = ""
    """Beginning of a payload that could not be read."""


Fact = (
    RouteReleased
    | LotReceived
    | LotReleased
    | LotsOpened
    | MaterialLoaded
    | MaterialUnloaded
    | OperationStarted
    | UnitsCommissioned
    | OperationCompleted
    | OperationAborted
    | LotTransformed
    | Assembled
    | Disassembled
    | UnitsShipped
    | UnitsReturned
    | PackInstalled
    | PackRemoved
    | CodesAssigned
    | CarrierLoaded
    | CarrierUnloaded
    | Held
    | Released
    | Dispositioned
    | ToolReplaced
    | CalibrationRecorded
    | SampleRecorded
    | CorrectionReleased
    | PersonAdded
    | PersonDisabled
    | PersonQualified
    | OrderReleased
    | OrderClosed
    | LotsImported
    | JobsDispatched
    | JobProved
    | JobAmended
    | JobEnded
    | CallRaised
    | CallCleared
    | RunsCorrected
    | PartsCorrected
    | Refused
)


class Envelope(Struct, frozen=True, kw_only=True):
    """A fact with who said it and when; `time_us` by the equipment, `recorded_us` by the server (UTC us)."""

    source: str
    epoch: int
    seq: int
    time_us: int
    recorded_us: int
    actor: str
    fact: Fact
    version: int = field(default=1)
