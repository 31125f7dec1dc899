"""What counts says the same as what lists: spreads against traces, packed and not."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from functools import partial
from random import Random

import asyncpg
import pytest

from cellwright.database.pool import connect
from cellwright.model.ids import UnitKind
from cellwright.plant.sealing import seal
from cellwright.rules.spans import count_units
from cellwright.rules.state import LotRow
from cellwright.testing.database import prepared_database
from cellwright.testing.deep_plant import Story, tell_story
from cellwright.testing.replay import RecordingDriver, through_gate
from cellwright.views import spread as spreading
from cellwright.views.spread import Section, Spread, find_spread, read_codes, read_outermost
from cellwright.views.subjects import TraceError
from cellwright.views.trace import Trace, trace_forward


@pytest.fixture(scope="module", name="story")
def fixture_story() -> Story:
    return tell_story()


@pytest.fixture(scope="module", params=["rows", "packed"], name="url")
def fixture_url(story: Story, request: pytest.FixtureRequest) -> Iterator[str]:
    with prepared_database(partial(fill, driver=story.driver, form=request.param)) as address:
        yield address


async def fill(url: str, driver: RecordingDriver, form: str) -> None:
    await through_gate(url, driver)
    if form == "packed":
        await pack(url)


async def pack(url: str) -> None:
    connection = await connect(url)
    assert (await seal(connection, before_us=2**60)).units
    await connection.close()


@pytest.fixture(name="connection")
async def fixture_connection(url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(url)
    yield opened
    await opened.close()


def sections(story: Story) -> list[Section]:
    """All lots as a whole, and stretches of them by chance."""
    random, found = Random(5), []
    for lot in story.driver.state.rows(LotRow):
        found.append(Section(lot=lot.id))
        for _ in range(12 if lot.quantity > 1 else 0):
            start = random.randrange(lot.quantity)
            end = random.randint(start + 1, min(lot.quantity, start + max(2, lot.quantity // random.choice((2, 30)))))
            found.append(Section(lot=lot.id, start=start, end=end, lane=random.choice((0, 0, 1, 2))))
    return found


async def direct(connection: asyncpg.Connection, spread: Spread) -> set[tuple[str, str]]:
    """Codes and bases of what took something directly."""
    pairs = [(number, span.basis) for span in spread.units for number in range(span.first, span.last + 1)]
    codes = await read_codes(connection, [number for number, _ in pairs])
    return {(codes[number], basis) for number, basis in pairs}


def listed(trace: Trace) -> set[tuple[str, str]]:
    """The same of a trace: units that a link leads to from a lot."""
    lots = {node.code for node in trace.nodes if node.measure}
    made = {link.made for link in trace.links if link.consumed in lots} - lots
    return {(node.code, node.basis) for node in trace.nodes if node.code in made}


async def test_counts_are_those_of_the_trace(connection: asyncpg.Connection, story: Story) -> None:
    reached = 0
    for section in sections(story):
        trace = await trace_forward(connection, section.lot, start=section.start, end=section.end, lane=section.lane)
        spread = await find_spread(connection, section)
        kinds = {kind: trace.levels[kind] for kind in UnitKind if kind in trace.levels}
        assert spread.outermost.levels == kinds, section
        assert await direct(connection, spread) == listed(trace), section
        assert spread.bases == Counter(basis for _, basis in listed(trace))
        assert set(spread.lots) == {node.code for node in trace.nodes if node.measure}
        reached += count_units(spread.units)
    assert reached > 1000


async def test_the_outermost_units_hold_all(connection: asyncpg.Connection, story: Story) -> None:
    spread = await find_spread(connection, Section(lot=story.id_of("SEP-1")))
    pages = [await read_outermost(connection, spread.outermost, limit=40, offset=offset) for offset in (0, 40, 80, 120)]
    rows = [row for page in pages for row in page]
    assert (rows[0].code, rows[0].units_count, rows[0].kind) == (story.pack, 8, UnitKind.PACK)
    assert len({row.code for row in rows}) == len(rows) == len(spread.outermost.ids)
    assert sum(row.units_count for row in rows) == count_units(spread.units) == 110
    assert sum(place.units_count for place in spread.places) == len(rows)
    states = {(place.kind, place.status): place.units_count for place in spread.places}
    assert states == Counter((row.kind, row.status) for row in rows)


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ({"start": 5, "end": 5}, "is no stretch of lot CAN-1; give 0 <= start < end <= 1000"),
        ({"start": 9, "end": 3}, "is no stretch"),
        ({"start": 990, "end": 1001}, "is no stretch"),
        ({"start": -1, "end": 1}, "is no stretch"),
    ],
)
async def test_what_is_no_section_is_refused(
    connection: asyncpg.Connection, story: Story, section: dict[str, int], text: str
) -> None:
    with pytest.raises(TraceError, match=text):
        await find_spread(connection, Section(lot=story.id_of("CAN-1"), **section))
    with pytest.raises(TraceError, match="no lot has the id"):
        await find_spread(connection, Section(lot=10**9))


async def test_too_much_at_once_is_said(
    connection: asyncpg.Connection, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreading, "UNITS_MAX", 50)
    with pytest.raises(TraceError, match="110 units took something of this, more than 50 at once; ask for less"):
        await find_spread(connection, Section(lot=story.id_of("SEP-1")))
