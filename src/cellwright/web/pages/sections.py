"""What of a lot an address asks for: `start` and `end` in its measure, and `lane`."""

from litestar.exceptions import ClientException
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.rules.positions import Direction
from cellwright.views.subjects import CodeKind, FoundCode
from cellwright.views.trace import lanes_of
from cellwright.web.question import Question


class AskedSection(Struct, frozen=True, kw_only=True):
    """[start, end) of a lot, None = from its beginning, to its end; a lane only forward (0 = all)."""

    start: int | None
    end: int | None
    lane: int


def section_in(question: Question, direction: Direction) -> AskedSection:
    """Return what an address asks for; raises ClientException (400) for what is no whole number."""
    lane = _whole(question, "lane") or 0
    return AskedSection(
        start=_whole(question, "start"),
        end=_whole(question, "end"),
        lane=lane if direction is Direction.FORWARD else 0,
    )


def _whole(question: Question, name: str) -> int | None:
    """What cannot be read must not be passed over: the answer would be of the whole lot."""
    found, text = question.whole(name), question.query.get(name, "")
    if text and found is None:
        unit = "the number of a lane" if name == "lane" else "a whole number in the lot's measure"
        raise ClientException(f"{name}={text[:40]}: write {unit}, or leave it out")
    return found


async def lanes_for(connection: Connection, found: FoundCode, direction: Direction, *, lane: int) -> tuple[int, ...]:
    """Return the lanes that may be asked for; raises ClientException (400) for a lane that is none of them.

    It would be answered with nothing, which reads like good news.
    """
    if found.kind is not CodeKind.LOT or direction is not Direction.FORWARD:
        return ()
    lanes = await lanes_of(connection, found.number)
    if lane and lanes and lane not in lanes:
        names = ", ".join(map(str, lanes))
        text = f"lot {found.code} has no lane {lane}; it was slit into {names}: give one of these, or none"
        raise ClientException(text)
    return lanes
