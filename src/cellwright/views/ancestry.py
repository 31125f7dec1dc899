"""What lots were made of, at any depth, as far as it is enough of anything to be a cause."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.rules.positions import is_mixture
from cellwright.rules.state import LotPartRow
from cellwright.views.intervals import PART
from cellwright.views.known import KnownLot, lots_of
from cellwright.views.stored import decode_rows

SHARE_LEAST: Final = 0.01
"""Part of a mixture below which what went into it is no cause: heels of heels lead back for ever."""

PARTS_INTO: Final = f"""
    SELECT p.* FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT {PART} FROM lot_part WHERE lot_part.child = k.id OFFSET 0) AS p
"""  # noqa: S608 names are ours


class Ancestry(Struct):
    """Lots, and the parts that they were made of by child, heels of heels left out."""

    lots: dict[int, KnownLot]
    parts: dict[int, list[LotPartRow]]
    shares: dict[int, float]
    """The largest part of anything that a lot is."""


async def read_ancestry(connection: Connection, direct: Sequence[int]) -> Ancestry:
    """Read what lots were made of, step by step."""
    found = Ancestry(await lots_of(connection, direct), {}, dict.fromkeys(direct, 1.0))
    front = list(direct)
    while front:
        unread = [lot for lot in front if lot not in found.parts]
        found.parts.update({lot: [] for lot in unread})
        for part in decode_rows(LotPartRow, map(tuple, await connection.fetch(PARTS_INTO, unread))):
            found.parts[part.child].append(part)
        parents = {part.parent for lot in unread for part in found.parts[lot]}
        found.lots |= await lots_of(connection, parents.difference(found.lots))
        front = list(dict.fromkeys(_raised(found, front)))
    for lot, parts in found.parts.items():
        found.parts[lot] = [part for part in parts if _share(found, part) >= SHARE_LEAST]
    return found


def _raised(found: Ancestry, front: Iterable[int]) -> Iterator[int]:
    """Yield the parents of lots that turn out to be a larger part of something than was known, and large enough."""
    for part in (part for lot in front for part in found.parts[lot]):
        share = _share(found, part)
        if share >= SHARE_LEAST and share > found.shares.get(part.parent, 0.0):
            found.shares[part.parent] = share
            yield part.parent


def _share(found: Ancestry, part: LotPartRow) -> float:
    """Return which part of anything a part's parent is by this way; only mixtures dilute."""
    child, parent = found.lots[part.child], found.lots[part.parent]
    share = found.shares.get(part.child, 0.0)
    if is_mixture(child.measure) and is_mixture(parent.measure) and child.quantity:
        share *= min(1.0, (part.parent_end - part.parent_start) / child.quantity)
    return share
