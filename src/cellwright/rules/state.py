"""State that decisions read: rows by key, exactly the rows of the tables behind the inline views."""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeVar

from msgspec import Struct

from cellwright.model.commands import HoldSubject
from cellwright.model.ids import UnitBlock, UnitKind, compose_code
from cellwright.model.plant import Plant
from cellwright.model.quantities import Measure
from cellwright.model.routes import Operation, Route
from cellwright.rules.corrected import RecordCorrectionRow, SupersededPart, SupersededRun
from cellwright.rules.correction_rows import CorrectionRow
from cellwright.rules.dated import GivenCodeRow, InstallationRow, Newest, OrderRow, ShipmentRow
from cellwright.rules.job_rows import CallRow, JobRow, OpenJobs
from cellwright.rules.sample_rows import SAMPLE_ROW_TYPES, AnySampleRow


class UnitStatus(StrEnum):
    """Where a unit stands."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    RESERVED = "reserved"
    ASSEMBLED = "assembled"
    SCRAPPED = "scrapped"
    REMOVED = "removed"
    """Left its parent, a vehicle or a partner, and is here; waits for a disposition."""
    SHIPPED = "shipped"
    INSTALLED = "installed"
    """In a vehicle."""


class LotStatus(StrEnum):
    """Where a lot stands."""

    UNRELEASED = "unreleased"
    RELEASED = "released"
    OPEN = "open"
    REJECTED = "rejected"


class UnitRow(Struct, frozen=True, gc=False):
    """A unit: position on its route revision, claim, attempts and completion times by step (UTC us)."""

    id: int
    kind: UnitKind
    product: str
    route: int
    step: int
    status: UnitStatus
    station: str
    completed_us: tuple[int, ...]
    attempts: tuple[int, ...]
    grade: str = ""
    holds: int = 0
    carrier: str = ""
    slot: int = -1
    parent: int = 0

    @property
    def key(self) -> int:
        """Unit id."""
        return self.id


class LotRow(Struct, frozen=True, gc=False):
    """A lot: `remaining` is what is in stock, `loaded` what stands at positions, in its measure."""

    id: int
    code: str
    material: str
    measure: Measure
    quantity: int
    remaining: int
    loaded: int
    status: LotStatus
    station: str = ""
    supplier: str = ""
    certificate_sha256: str = ""
    expires_us: int = 0
    made_us: int = 0
    holds: int = 0
    cursor: int = 0
    """First position of the lot that was never loaded, in its measure."""
    recall: str = ""
    """The newest open recall that holds it, "" = none: whatever is still made of it comes under it too."""

    @property
    def key(self) -> int:
        """Lot id."""
        return self.id


class LoadingRow(Struct, frozen=True, gc=False):
    """What stands at a material position; lot 0 = empty."""

    station: str
    position: str
    lot: int = 0
    remaining: int = 0
    reserved: int = 0
    consumed_to: int = 0
    """Largest counter value consumed so far."""
    run_a: int = 0
    """First unit of the run that is being extended here, 0 = none."""
    run_layer: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """Station and position."""
        return (self.station, self.position)


class CarrierRow(Struct, frozen=True, gc=False):
    """A carrier and the unit id in each slot, 0 = empty."""

    code: str
    slots: tuple[int, ...]

    @property
    def key(self) -> str:
        """Carrier code."""
        return self.code


class LoadRun(Struct, frozen=True, gc=False):
    """Units a..b (inclusive) took [start, end) of a lot evenly, within `tolerance` at every unit.

    `slope_low` and `slope_high` bound the units' pitch (measure per unit) that keeps every seen counter within
    the fold's tolerance: the swinging-door algorithm (Bristol 1990).
    """

    kind: str
    layer: int
    a: int
    b: int
    lot: int
    start: int
    end: int
    tolerance: int
    slope_low: float
    slope_high: float
    station: str
    from_us: int
    to_us: int
    correction: int = 0
    """The correction that said so, 0 = it was reported like this."""

    @property
    def key(self) -> tuple[str, int, int]:
        """Kind, layer and first unit."""
        return (self.kind, self.layer, self.a)


class LotPartRow(Struct, frozen=True, gc=False):
    """A part of a lot that became a part of another, with its number within the child."""

    child: int
    number: int
    parent: int
    parent_start: int
    parent_end: int
    child_start: int
    child_end: int
    lane: int
    reversed: bool
    tolerance: int
    correction: int = 0

    @property
    def key(self) -> tuple[int, int]:
        """Child lot and number."""
        return (self.child, self.number)


class MemberRow(Struct, frozen=True, gc=False):
    """A unit was in a slot of its parent from `from_us` to `to_us` (UTC us; 0 = still)."""

    unit: int
    from_us: int
    parent: int
    slot: int
    to_us: int = 0

    @property
    def key(self) -> tuple[int, int]:
        """Unit and time of entry."""
        return (self.unit, self.from_us)


class AssemblyRow(Struct, frozen=True, gc=False):
    """The members of a unit in slot order, as assembled now; 0 = empty slot."""

    id: int
    members: tuple[int, ...]

    @property
    def key(self) -> int:
        """Id of the parent unit."""
        return self.id


class HoldRow(Struct, frozen=True, gc=False):
    """A hold and what it applies to; released_us 0 = still held."""

    id: int
    subject: HoldSubject
    subjects: tuple[int, ...]
    reason: str
    placed_us: int
    placed_by: str
    released_us: int = 0
    released_by: str = ""
    second_person: str = ""
    recall: str = ""

    @property
    def key(self) -> int:
        """Hold id."""
        return self.id


class ToolRow(Struct, frozen=True, gc=False):
    """Uses of a tool since it was replaced."""

    station: str
    tool: str
    used_count: int

    @property
    def key(self) -> tuple[str, str]:
        """Station and tool."""
        return (self.station, self.tool)


class CalibrationRow(Struct, frozen=True, gc=False):
    """Validity of a station's calibration (UTC us)."""

    station: str
    valid_until_us: int
    certificate_sha256: str = ""

    @property
    def key(self) -> str:
        """Station."""
        return self.station


class PersonRow(Struct, frozen=True, gc=False):
    """A person by badge code, with roles."""

    person: str
    roles: tuple[str, ...]
    disabled: bool = False

    @property
    def key(self) -> str:
        """Badge code."""
        return self.person


class QualificationRow(Struct, frozen=True, gc=False):
    """A qualification of a person (UTC us)."""

    person: str
    qualification: str
    valid_until_us: int

    @property
    def key(self) -> tuple[str, str]:
        """Person and qualification."""
        return (self.person, self.qualification)


class CounterRow(Struct, frozen=True, gc=False):
    """The last number given out under a name."""

    name: str
    value: int

    @property
    def key(self) -> str:
        """Name."""
        return self.name


Row = (
    UnitRow
    | LotRow
    | LoadingRow
    | CarrierRow
    | LoadRun
    | LotPartRow
    | MemberRow
    | AssemblyRow
    | InstallationRow
    | ShipmentRow
    | GivenCodeRow
    | HoldRow
    | ToolRow
    | CalibrationRow
    | AnySampleRow
    | CorrectionRow
    | PersonRow
    | QualificationRow
    | OrderRow
    | JobRow
    | CallRow
    | RecordCorrectionRow
    | SupersededRun
    | SupersededPart
    | CounterRow
    | UnitBlock
    | Route
)
ROW_TYPES: tuple[type[Row], ...] = (
    Route,
    CounterRow,
    UnitBlock,
    LotRow,
    LotPartRow,
    UnitRow,
    CarrierRow,
    LoadingRow,
    LoadRun,
    MemberRow,
    AssemblyRow,
    InstallationRow,
    ShipmentRow,
    GivenCodeRow,
    HoldRow,
    ToolRow,
    CalibrationRow,
    *SAMPLE_ROW_TYPES,
    CorrectionRow,
    PersonRow,
    QualificationRow,
    OrderRow,
    JobRow,
    CallRow,
    RecordCorrectionRow,
    SupersededRun,
    SupersededPart,
)
Change = tuple[Row | None, Row]
"""A row as it was when a batch began (None = it is new), and as it is now."""

Key = (
    int
    | str
    | tuple[int, int]
    | tuple[str, str]
    | tuple[str, int]
    | tuple[str, int, int]
    | tuple[int, int, int]
    | tuple[str, int, int, int]
)
K = TypeVar("K", bound=Key)
R = TypeVar("R")


class State:
    """Rows by type and key, the plant's files, and how the rows were that changed since the last `take_changes`."""

    def __init__(self, plant: Plant) -> None:
        """Begin with no rows."""
        self.plant = plant
        self._tables: dict[type[Row], dict[Key, Row]] = {kind: {} for kind in ROW_TYPES}
        self._before: dict[type[Row], dict[Key, Row | None]] = {}
        self._lot_ids: dict[str, int] = {}
        self._blocks: dict[str, list[UnitBlock]] = {}
        self._block_hits: list[UnitBlock] = []
        self.memberships: Newest[int, MemberRow] = Newest(attrgetter("unit"))
        self.installations: Newest[int, InstallationRow] = Newest(attrgetter("pack"))
        self.places: Newest[tuple[str, str], InstallationRow] = Newest(attrgetter("vehicle", "position"))
        self.shipments: Newest[int, ShipmentRow] = Newest(attrgetter("unit"))
        self.jobs = OpenJobs()
        self._routes: dict[str, Route] = {}
        self._indexing: Mapping[type[Row], Callable[[Any], None]] = {
            LotRow: self._index_lot,
            UnitBlock: self._index_block,
            Route: self._index_route,
            MemberRow: self.memberships.put,
            InstallationRow: self._index_installation,
            ShipmentRow: self.shipments.put,
            JobRow: self.jobs.put,
        }

    def get(self, kind: type[R], key: Key) -> R | None:
        """Return a row, or None."""
        return self._tables[kind].get(key)  # type: ignore[index, return-value]

    def page(self, kind: type[R], keys: Iterable[Key]) -> list[R]:
        """Return the rows of keys in their order; raises KeyError for a key whose row is not present."""
        table = self._tables[kind]  # type: ignore[index]
        return [table[key] for key in keys]  # type: ignore[misc]

    def missing(self, kind: type[Row], keys: Iterable[K]) -> set[K]:
        """Return the keys whose rows are not present."""
        return set(keys).difference(self._tables[kind])

    def rows(self, kind: type[R]) -> Iterable[R]:
        """Return all rows of a type that are present."""
        return self._tables[kind].values()  # type: ignore[index, return-value]

    def count(self, kind: type[R]) -> int:
        """Return how many rows of a type are present."""
        return len(self._tables[kind])  # type: ignore[index]

    def load(self, rows: Iterable[Row]) -> None:
        """Put rows that are already stored."""
        for kind, page in groupby(rows, type):
            self._put(kind, {row.key: row for row in page})

    def absorb(self, rows: Iterable[Row]) -> None:
        """Put new versions of rows and remember how they were before."""
        for kind, page in groupby(rows, type):
            keyed = {row.key: row for row in page}
            table, before = self._tables[kind], self._before.setdefault(kind, {})
            for key in keyed:
                before.setdefault(key, table.get(key))
            self._put(kind, keyed)

    def take_changes(self) -> dict[type[Row], list[Change]]:
        """Return what changed by type, and forget that it changed."""
        before, self._before = self._before, {}
        return {kind: [(row, self._tables[kind][key]) for key, row in was.items()] for kind, was in before.items()}

    def lot_by_code(self, code: str) -> LotRow | None:
        """Return the lot of a code, or None."""
        number = self._lot_ids.get(code)
        return None if number is None else self.get(LotRow, number)

    def unit_id(self, prefix: str, serial: int) -> int:
        """Return the unit id of a printed code's parts, 0 when no such code was given out."""
        for block in self._blocks.get(prefix, ()):
            if 0 <= serial - block.serial_from < block.count:
                return block.id_from + serial - block.serial_from
        return 0

    def block_of(self, unit: int) -> UnitBlock | None:
        """Return the block of a unit id, or None."""
        for block in self._block_hits:
            if 0 <= unit - block.id_from < block.count:
                return block
        for blocks in self._blocks.values():
            for block in blocks:
                if 0 <= unit - block.id_from < block.count:
                    self._block_hits = [block, *self._block_hits[:7]]
                    return block
        return None

    def code_of(self, unit: int) -> str:
        """Return the printed code of a unit id, "" when unknown."""
        block = self.block_of(unit)
        return "" if block is None else compose_code(block.prefix, block.serial_from + unit - block.id_from)

    def newest_route(self, code: str) -> Route | None:
        """Return the newest revision of a route."""
        return self._routes.get(code)

    def operation_of(self, unit: UnitRow) -> Operation | None:
        """Return the operation that a unit waits for or is in, None when its route is finished."""
        route = self.get(Route, unit.route)
        return None if route is None or unit.step >= len(route.operations) else route.operations[unit.step]

    def counter(self, name: str) -> int:
        """Return the last number given out under a name, 0 when none."""
        row = self.get(CounterRow, name)
        return 0 if row is None else row.value

    def _put(self, kind: type[Row], keyed: Mapping[Key, Row]) -> None:
        self._tables[kind].update(keyed)
        index = self._indexing.get(kind)
        if index is not None:
            for row in keyed.values():
                index(row)

    def _index_lot(self, lot: LotRow) -> None:
        self._lot_ids[lot.code] = lot.id

    def _index_block(self, block: UnitBlock) -> None:
        kept = [each for each in self._blocks.get(block.prefix, ()) if each.key != block.key]
        self._blocks[block.prefix] = [*kept, block]
        self._block_hits = []

    def _index_installation(self, row: InstallationRow) -> None:
        self.installations.put(row)
        self.places.put(row)

    def _index_route(self, route: Route) -> None:
        newest = self._routes.get(route.code)
        if newest is None or newest.revision <= route.revision:
            self._routes[route.code] = route
