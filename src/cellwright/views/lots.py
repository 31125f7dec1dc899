"""Lots for people: one of them with its parts and uses, and lists of them, the newest first."""

from typing import Any

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.quantities import Measure
from cellwright.rules.state import LotStatus
from cellwright.views.following import unit_codes

HELD = "held"
"""Stands for a status in lists: lots with an open hold, whatever their status."""
_COUNTED_MAX = 100_000


class LotCard(Struct, frozen=True, kw_only=True):
    """A lot as it stands now, amounts in its measure; "" and None = does not apply. Times in UTC us."""

    code: str
    material: str
    measure: Measure
    status: LotStatus
    quantity: int
    remaining: int
    """In stock; what stands at stations is `loaded`."""
    loaded: int
    used: int
    cursor: int
    """First position of the lot that was never loaded."""
    station: str
    """Where it is being made or was made."""
    supplier: str
    certificate_sha256: str
    expires_us: int | None
    made_us: int | None
    holds_count: int
    id: int


class LotPlace(Struct, frozen=True, kw_only=True):
    """A material position at which something of a lot stands, in the lot's measure."""

    station: str
    position: str
    remaining: int
    reserved: int
    consumed_to: int


class LotStretch(Struct, frozen=True, kw_only=True):
    """[start, end) of this lot was made of, or became, [other_start, other_end) of another, each in its measure."""

    other: str
    material: str
    measure: Measure
    start: int
    end: int
    other_start: int
    other_end: int
    lane: int
    """0 = the full width."""
    reversed: bool
    tolerance: int


class LotUse(Struct, frozen=True, kw_only=True):
    """A run of units that took [start, end) of a lot at a position, each within `tolerance`; times in UTC us."""

    position: str
    station: str
    kind: str
    unit_from: str
    unit_to: str
    units_count: int
    start: int
    end: int
    tolerance: int
    from_us: int
    to_us: int


class LotUses(Struct, frozen=True, kw_only=True):
    """The newest runs on a lot, and how many runs and units there are in all."""

    uses: tuple[LotUse, ...]
    total_count: int
    units_count: int


class LotStretches(Struct, frozen=True, kw_only=True):
    """Parts of a lot in one direction, and how many there are in all."""

    stretches: tuple[LotStretch, ...]
    total_count: int


class LotFilter(Struct, frozen=True, kw_only=True):
    """Which lots a list shows; "" = all. `text` begins the code."""

    material: str = ""
    status: str = ""
    text: str = ""


class LotPage(Struct, frozen=True, kw_only=True):
    """Part of a list; `total_count` matched, counted up to 100,000."""

    lots: tuple[LotCard, ...]
    total_count: int


_CARD = """
    id, code, material, measure, status, quantity, remaining, loaded, "cursor", station, supplier, certificate_sha256,
    expires_us, made_us, holds
"""
_OF_ID = f"SELECT {_CARD} FROM lot WHERE id = $1"  # noqa: S608 - names are ours
_CHOSEN = """
    FROM lot
    WHERE ($1 = '' OR material = $1) AND ($2 = '' OR status = $2 OR ($2 = 'held' AND holds > 0))
      AND ($3 = '' OR starts_with(code, $3) OR starts_with(code, upper($3)))
"""
_LIST = f"SELECT {_CARD} {_CHOSEN} ORDER BY id DESC LIMIT $4 OFFSET $5"
_COUNT = f"SELECT count(*) FROM (SELECT 1 {_CHOSEN} LIMIT $4) AS t"  # noqa: S608
_PLACES = """
    SELECT station, position, remaining, reserved, consumed_to FROM loading WHERE lot = $1 ORDER BY station, position
"""
_MADE_OF = """
    SELECT p.*, l.code, l.material, l.measure
    FROM (SELECT child_start AS start, child_end AS end, parent_start AS other_start, parent_end AS other_end, lane,
                 reversed, tolerance, parent AS other, count(*) OVER () AS total_count
          FROM lot_part WHERE child = $1 ORDER BY child_start, number LIMIT $2) AS p
    CROSS JOIN LATERAL (SELECT code, material, measure FROM lot WHERE lot.id = p.other OFFSET 0) AS l
    ORDER BY p.start, p.other
"""
_BECAME = """
    SELECT p.*, l.code, l.material, l.measure
    FROM (SELECT parent_start AS start, parent_end AS end, child_start AS other_start, child_end AS other_end, lane,
                 reversed, tolerance, child AS other, count(*) OVER () AS total_count
          FROM lot_part WHERE parent = $1 ORDER BY parent_start, child LIMIT $2) AS p
    CROSS JOIN LATERAL (SELECT code, material, measure FROM lot WHERE lot.id = p.other OFFSET 0) AS l
    ORDER BY p.start, p.other
"""
_USES = """
    SELECT r.*, u.kind AS unit_kind
    FROM (SELECT kind, station, a, b, pos_a, pos_b, tolerance, from_us, to_us, count(*) OVER () AS total_count,
                 sum(b - a + 1) OVER () AS units_count
          FROM load_run WHERE lot = $1 ORDER BY pos_a DESC, kind, a DESC LIMIT $2) AS r
    CROSS JOIN LATERAL (SELECT kind FROM unit_kept(r.a) OFFSET 0) AS u
    ORDER BY r.pos_a DESC, r.kind, r.a DESC
"""


async def read_lot(connection: Connection, number: int) -> LotCard:
    """Return a lot by its id, which has to be given out."""
    return _card((await connection.fetch(_OF_ID, number))[0])


def _card(record: Any) -> LotCard:
    quantity, remaining, loaded = record["quantity"], record["remaining"], record["loaded"]
    return LotCard(
        code=record["code"],
        material=record["material"],
        measure=Measure(record["measure"]),
        status=LotStatus(record["status"]),
        quantity=quantity,
        remaining=remaining,
        loaded=loaded,
        used=quantity - remaining - loaded,
        cursor=record["cursor"],
        station=record["station"],
        supplier=record["supplier"],
        certificate_sha256=record["certificate_sha256"],
        expires_us=record["expires_us"] or None,
        made_us=record["made_us"] or None,
        holds_count=record["holds"],
        id=record["id"],
    )


async def list_lots(connection: Connection, wanted: LotFilter, *, limit: int, offset: int = 0) -> LotPage:
    """Return the lots that a filter chooses, the newest first."""
    chosen = (wanted.material, wanted.status, wanted.text.strip())
    records = await connection.fetch(_LIST, *chosen, limit, offset)
    total_count = await connection.fetchval(_COUNT, *chosen, _COUNTED_MAX)
    return LotPage(lots=tuple(_card(record) for record in records), total_count=total_count)


async def read_places(connection: Connection, number: int) -> tuple[LotPlace, ...]:
    """Return where a lot is loaded now."""
    records = await connection.fetch(_PLACES, number)
    return tuple(LotPlace(**dict(record)) for record in records)


async def read_made_of(connection: Connection, number: int, limit: int) -> LotStretches:
    """Return what a lot was made of, from its beginning on."""
    return _stretches(await connection.fetch(_MADE_OF, number, limit))


async def read_became(connection: Connection, number: int, limit: int) -> LotStretches:
    """Return what became of a lot, from its beginning on."""
    return _stretches(await connection.fetch(_BECAME, number, limit))


def _stretches(records: list[Any]) -> LotStretches:
    stretches = tuple(
        LotStretch(
            other=record["code"],
            material=record["material"],
            measure=Measure(record["measure"]),
            start=record["start"],
            end=record["end"],
            other_start=record["other_start"],
            other_end=record["other_end"],
            lane=record["lane"],
            reversed=record["reversed"],
            tolerance=record["tolerance"],
        )
        for record in records
    )
    return LotStretches(stretches=stretches, total_count=records[0]["total_count"] if records else 0)


async def read_uses(connection: Connection, number: int, limit: int) -> LotUses:
    """Return which units took something of a lot, from its end on."""
    records = await connection.fetch(_USES, number, limit)
    codes = await unit_codes(connection, {record[end] for record in records for end in ("a", "b")})
    uses = tuple(
        LotUse(
            position=record["kind"],
            station=record["station"],
            kind=record["unit_kind"],
            unit_from=codes[record["a"]],
            unit_to=codes[record["b"]],
            units_count=record["b"] - record["a"] + 1,
            start=record["pos_a"],
            end=record["pos_b"],
            tolerance=record["tolerance"],
            from_us=record["from_us"],
            to_us=record["to_us"],
        )
        for record in records
    )
    first = records[0] if records else None
    return LotUses(
        uses=uses,
        total_count=first["total_count"] if first else 0,
        units_count=int(first["units_count"]) if first else 0,
    )
