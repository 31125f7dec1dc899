"""What the plant made and lost: output by hour, first-pass yields with their bounds, the largest loss, refusals."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from cellwright.analysis.ratios import rolled_ratio, wilson_interval
from cellwright.database.pool import Connection
from cellwright.model.commands import DispositionAction
from cellwright.model.facts import Dispositioned, OperationCompleted, UnitsCommissioned
from cellwright.model.ids import UnitKind
from cellwright.rules.state import UnitStatus
from cellwright.views.following import Page, PeopleView, by_value, write

HOUR_US = 3_600_000_000
_HOURS = 24
_MADE = (
    UnitStatus.FINISHED,
    UnitStatus.RESERVED,
    UnitStatus.ASSEMBLED,
    UnitStatus.REMOVED,
    UnitStatus.SHIPPED,
    UnitStatus.INSTALLED,
)


class Output(Struct, frozen=True):
    """Units of a kind: born, at the end of their route (members of others included), scrapped, and on their way."""

    kind: str
    started_count: int
    finished_count: int
    scrapped_count: int
    in_process_count: int


class OutputHour(Struct, frozen=True):
    """What happened to units of a kind in an hour from `hour_us` (UTC us, plant time).

    A unit that is sent back from the end of its route and reaches it again counts as finished each time.
    """

    hour_us: int
    kind: str
    started_count: int
    finished_count: int
    scrapped_count: int


class FirstPass(Struct, frozen=True):
    """First-pass yield of an operation: good at the first attempt among `first_count`, Wilson 95 % interval."""

    operation: str
    first_count: int
    first_good_count: int
    first_pass_ratio: float | None
    low_ratio: float | None
    high_ratio: float | None
    done_count: int
    good_count: int


class RolledYield(Struct, frozen=True):
    """Product of the first-pass yields along a product's newest route; None while one of them is unknown."""

    product: str
    rolled_ratio: float | None
    operations_count: int
    first_count_min: int
    """Smallest n among its operations."""


class DefectCount(Struct, frozen=True):
    """Units lost at the first pass with a defect; "" = none was named."""

    defect: str
    lost_count: int
    share_ratio: float
    """Of its operation's losses."""


class Loss(Struct, frozen=True):
    """An operation's losses at the first pass, the most frequent defect first."""

    operation: str
    lost_count: int
    share_ratio: float
    """Of all first-pass losses."""
    defects: tuple[DefectCount, ...]


class Overview(Struct, frozen=True, kw_only=True):
    """The plant as a whole."""

    facts_count: int
    last_fact_us: int
    """When the server recorded the last fact (UTC us); 0 = never."""
    outputs: tuple[Output, ...]
    hours: tuple[OutputHour, ...]
    """The last 24 hours of plant time, the running one included, oldest first; every kind in each."""
    first_pass: tuple[FirstPass, ...]
    rolled: tuple[RolledYield, ...]
    losses: tuple[Loss, ...]
    """The largest first."""
    refusals: dict[str, int]
    """Refused commands by code, the most frequent first; a command counts once for each code."""


# --- folding ----------------------------------------------------------------------------------------


async def _fold(connection: Connection, page: Page) -> None:
    counts: dict[tuple[int, str], list[int]] = {}
    for each in page.recorded:
        hour_us = each.envelope.recorded_us // HOUR_US * HOUR_US
        for kind, column, count in _changes(page, each.envelope.fact):
            row = counts.setdefault((hour_us, kind), [0, 0, 0])
            row[column] += count
    rows = list(counts.values())
    await write(
        connection,
        """
        INSERT INTO output_hour AS h (hour_us, kind, started_count, finished_count, scrapped_count)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
        ON CONFLICT (hour_us, kind) DO UPDATE
        SET started_count = h.started_count + excluded.started_count,
            finished_count = h.finished_count + excluded.finished_count,
            scrapped_count = h.scrapped_count + excluded.scrapped_count
        """,
        [hour_us for hour_us, _ in counts],
        [kind for _, kind in counts],
        [row[0] for row in rows],
        [row[1] for row in rows],
        [row[2] for row in rows],
    )


def _changes(page: Page, fact: object) -> list[tuple[str, int, int]]:
    """Return (kind, column, count) of units that a fact starts (0), finishes (1) or scraps (2)."""
    match fact:
        case UnitsCommissioned():
            return [(fact.kind, 0, fact.count)]
        case OperationCompleted():
            reached = by_value(fact.units, fact.next_steps)
            parts = ((step, span, units) for step, chosen in reached for span, units in page.parted(chosen))
            return [(span.kind, 1, len(units)) for step, span, units in parts if step >= len(span.operations)]
        case Dispositioned() if fact.action == DispositionAction.SCRAP:
            return [(span.kind, 2, len(units)) for span, units in page.parted(fact.units)]
        case _:
            return []


VIEW = PeopleView(("output_hour",), _fold)


# --- reading ----------------------------------------------------------------------------------------


async def read_overview(connection: Connection, now_us: int) -> Overview:
    """Return the plant as a whole at a plant time (UTC us), as far as it was folded."""
    facts = await connection.fetchrow("SELECT facts_count, last_fact_us FROM journal_tally")
    first_pass = await read_first_pass(connection)
    return Overview(
        facts_count=facts["facts_count"] if facts else 0,
        last_fact_us=facts["last_fact_us"] if facts else 0,
        outputs=await _outputs(connection),
        hours=await _hours(connection, now_us),
        first_pass=first_pass,
        rolled=await _rolled(connection, {each.operation: each for each in first_pass}),
        losses=await _losses(connection),
        refusals=await _refusals(connection),
    )


async def _outputs(connection: Connection) -> tuple[Output, ...]:
    records = await connection.fetch("SELECT kind, status, units_count FROM unit_tally")
    counts = {(record["kind"], record["status"]): record["units_count"] for record in records}
    return tuple(_output(kind, counts) for kind in UnitKind)


def _output(kind: UnitKind, counts: Mapping[tuple[str, str], int]) -> Output:
    made_count = sum(counts.get((kind, status), 0) for status in _MADE)
    scrapped_count = counts.get((kind, UnitStatus.SCRAPPED), 0)
    in_process_count = sum(counts.get((kind, status), 0) for status in (UnitStatus.WAITING, UnitStatus.RUNNING))
    started_count = made_count + scrapped_count + in_process_count
    return Output(kind, started_count, made_count, scrapped_count, in_process_count)


async def _hours(connection: Connection, now_us: int) -> tuple[OutputHour, ...]:
    first_us = now_us // HOUR_US * HOUR_US - (_HOURS - 1) * HOUR_US
    records = await connection.fetch(
        """
        SELECT hour_us, kind, started_count, finished_count, scrapped_count FROM output_hour
        WHERE hour_us >= $1 AND hour_us <= $2
        """,
        first_us,
        now_us,
    )
    found = {(record["hour_us"], record["kind"]): OutputHour(*record) for record in records}
    hours = (first_us + number * HOUR_US for number in range(_HOURS))
    return tuple(
        found.get((hour_us, kind)) or OutputHour(hour_us, kind, 0, 0, 0) for hour_us in hours for kind in UnitKind
    )


async def read_first_pass(connection: Connection) -> tuple[FirstPass, ...]:
    """Return the first-pass yields by operation, as far as they were folded."""
    records = await connection.fetch(
        "SELECT operation, first_count, first_good_count, done_count, good_count FROM yield_tally ORDER BY operation"
    )
    return tuple(_bounded(*record) for record in records)


def _bounded(operation: str, first_count: int, good_count: int, done_count: int, done_good_count: int) -> FirstPass:
    low_ratio, high_ratio = wilson_interval(good_count, first_count) or (None, None)
    ratio = good_count / first_count if first_count else None
    return FirstPass(operation, first_count, good_count, ratio, low_ratio, high_ratio, done_count, done_good_count)


async def _rolled(connection: Connection, first_pass: Mapping[str, FirstPass]) -> tuple[RolledYield, ...]:
    records = await connection.fetch(
        """
        SELECT DISTINCT ON (r.code) r.product, (SELECT array_agg(o.body->>'code' ORDER BY o.ordinality)
            FROM json_array_elements(r.operations) WITH ORDINALITY AS o (body)) AS operations
        FROM route AS r ORDER BY r.code, r.revision DESC
        """
    )
    return tuple(_roll(record["product"], record["operations"] or (), first_pass) for record in records)


def _roll(product: str, operations: Sequence[str], first_pass: Mapping[str, FirstPass]) -> RolledYield:
    passed = [first_pass.get(operation) for operation in operations]
    ratio = rolled_ratio(each.first_pass_ratio if each else None for each in passed)
    count_min = min((each.first_count if each else 0 for each in passed), default=0)
    return RolledYield(product, ratio, len(operations), count_min)


async def _losses(connection: Connection) -> tuple[Loss, ...]:
    records = await connection.fetch(
        "SELECT operation, defect, first_lost_count FROM loss_tally ORDER BY first_lost_count DESC, operation, defect"
    )
    by_operation: dict[str, list[tuple[str, int]]] = {}
    for operation, defect, count in records:
        by_operation.setdefault(operation, []).append((defect, count))
    total_count = sum(record["first_lost_count"] for record in records)
    losses = [_loss(operation, defects, total_count) for operation, defects in by_operation.items()]
    return tuple(sorted(losses, key=lambda loss: (-loss.lost_count, loss.operation)))


def _loss(operation: str, defects: Sequence[tuple[str, int]], total_count: int) -> Loss:
    lost_count = sum(count for _, count in defects)
    found = tuple(DefectCount(defect, count, count / lost_count) for defect, count in defects)
    return Loss(operation, lost_count, lost_count / total_count, found)


async def _refusals(connection: Connection) -> dict[str, int]:
    records = await connection.fetch("SELECT code, refused_count FROM refusal_tally ORDER BY refused_count DESC, code")
    return {record["code"]: record["refused_count"] for record in records}
