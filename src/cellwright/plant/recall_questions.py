"""What people ask of a recall: lots by their codes, stations by times; made into a question, or told what to mend."""

from collections.abc import Iterable
from typing import Annotated, Final

from msgspec import Meta, Struct, structs

from cellwright.database.pool import Connection
from cellwright.errors import CellwrightError
from cellwright.model.materials import CarrierType
from cellwright.model.plant import Plant
from cellwright.model.wire import Code
from cellwright.plant.recalls import RecallQuestion
from cellwright.views.known import lots_of
from cellwright.views.machines import Window
from cellwright.views.spread import Section
from cellwright.views.subjects import SLOTS_OF_CODE, CodeKind, TraceError, find_code
from cellwright.views.trace import lanes_of

Position = Annotated[int, Meta(ge=0, lt=1 << 62)]
"""A place on a lot, in its measure from where it begins."""

LANE_MAX: Final = 1000

Lane = Annotated[int, Meta(ge=0, le=LANE_MAX)]
"""A lane of a slit roll, counted from 1; 0 = the full width."""

Moment = Annotated[int, Meta(ge=0, lt=1 << 62)]
"""A time, UTC us."""

CHANNEL_MAX: Final = 32_767

Channel = Annotated[int, Meta(ge=0, le=CHANNEL_MAX)]
"""A place of a station that works on carriers, counted from 0 as the slots are."""

LOTS_MAX: Final = 100
STATIONS_MAX: Final = 20


class AskedLot(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A lot in doubt: [start, end) in its measure (null = from its beginning, to its end), in a lane (0 = all)."""

    lot: Code
    start: Position | None = None
    end: Position | None = None
    lane: Lane = 0


class AskedStation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a station began or finished from `from_us` until before `to_us` (UTC us), all of it or with one thing of it."""

    station: Code
    from_us: Moment
    to_us: Moment
    tool: Code = ""
    """A tool of the station that wore by it, "" = any."""
    channel: Channel | None = None
    """A place of a station that works on carriers, by the number of the slot that comes to stand there; null = all."""
    carrier: Code = ""
    """A carrier that it was in, "" = any."""


class AskedRecall(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is in doubt, as people name it; at least one of them."""

    lots: Annotated[tuple[AskedLot, ...], Meta(max_length=LOTS_MAX)] = ()
    stations: Annotated[tuple[AskedStation, ...], Meta(max_length=STATIONS_MAX)] = ()


class FieldProblem(Struct, frozen=True, kw_only=True):
    """What is wrong at a field (`lots.0.start`), by a code for programs and in words; `values` stand in the words."""

    path: str
    code: str
    text: str
    values: dict[str, str | int] = {}


class QuestionError(CellwrightError):
    """A question that cannot be answered; names every field to mend."""

    def __init__(self, problems: Iterable[FieldProblem]) -> None:
        """Keep all of them."""
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{each.path}: {each.text}" if each.path else each.text for each in self.problems))


async def find_question(connection: Connection, plant: Plant, asked: AskedRecall, *, now_us: int) -> RecallQuestion:
    """Return what is asked, by numbers. Raises QuestionError for every code, stretch or time that is none."""
    if not asked.lots and not asked.stations:
        text = "nothing is in doubt: name a lot, or a station and a window of time"
        raise QuestionError([FieldProblem(path="", code="nothing", text=text)])
    sections: list[Section] = []
    problems: list[FieldProblem] = []
    for number, lot in enumerate(asked.lots):
        found = await _section(connection, f"lots.{number}", lot)
        if isinstance(found, Section):
            sections.append(found)
        else:
            problems.append(found)
    for number, station in enumerate(asked.stations):
        path = f"stations.{number}"
        problems += _window_problems(plant, path, station, now_us=now_us)
        problems += await narrowing_problems(connection, plant, station, path=path)
    if problems:
        raise QuestionError(problems)
    windows = tuple(Window(**structs.asdict(each)) for each in asked.stations)
    return RecallQuestion(sections=tuple(sections), windows=windows)


async def _section(connection: Connection, path: str, asked: AskedLot) -> Section | FieldProblem:
    try:
        found = await find_code(connection, asked.lot)
    except TraceError as error:
        return FieldProblem(path=f"{path}.lot", code="unknown", text=str(error), values={"lot": asked.lot[:40]})
    if found.kind is not CodeKind.LOT:
        text = f"{asked.lot} is a {found.kind}, not a lot; hold it by itself, or recall the lots it was made of"
        return FieldProblem(path=f"{path}.lot", code=f"is_{found.kind}", text=text, values={"lot": asked.lot})
    problem = await _stretch_problem(connection, path, found.number, asked=asked)
    return problem or Section(lot=found.number, start=asked.start, end=asked.end, lane=asked.lane)


async def _stretch_problem(connection: Connection, path: str, lot: int, *, asked: AskedLot) -> FieldProblem | None:
    known = (await lots_of(connection, [lot]))[lot]
    quantity, measure = known.quantity, known.measure
    low, high = asked.start or 0, quantity if asked.end is None else asked.end
    values: dict[str, str | int] = {"start": low, "end": high, "quantity": quantity, "measure": measure}
    if asked.end is not None and low >= high:
        text = f"[{low}, {high}) is empty or reversed; the smaller number comes first"
        return FieldProblem(path=f"{path}.end", code="reversed", text=text, values=values)
    if (asked.start, asked.end) != (None, None) and not low < high <= quantity:
        field = "start" if low >= quantity else "end"
        text = f"[{low}, {high}) does not lie on {asked.lot}; give 0 <= start < end <= {quantity} {measure}"
        return FieldProblem(path=f"{path}.{field}", code="outside", text=text, values=values)
    return await _lane_problem(connection, path, lot, asked=asked) if asked.lane else None


async def _lane_problem(connection: Connection, path: str, lot: int, *, asked: AskedLot) -> FieldProblem | None:
    """A lane that nothing was slit into would be answered with nothing, which reads like good news."""
    lanes = await lanes_of(connection, lot)
    if asked.lane in lanes:
        return None
    names = ", ".join(map(str, lanes))
    known = f"it was slit into the lanes {names}; give one of these" if lanes else "nothing was slit from it"
    text = f"{asked.lot} has no lane {asked.lane}: {known}, or leave the lane out for its full width"
    code = "no_lane" if lanes else "not_slit"
    return FieldProblem(path=f"{path}.lane", code=code, text=text, values={"lane": asked.lane, "lanes": names})


def _window_problems(plant: Plant, path: str, asked: AskedStation, *, now_us: int) -> list[FieldProblem]:
    problems = []
    if asked.station not in plant.stations:
        text = f"{asked.station[:40]!r} is no station of plant {plant.code}; choose one of its files"
        values: dict[str, str | int] = {"station": asked.station[:40]}
        problems.append(FieldProblem(path=f"{path}.station", code="no_station", text=text, values=values))
    if asked.from_us > now_us:
        text = "it lies in the future of the plant's clock; give a time that has passed"
        problems.append(FieldProblem(path=f"{path}.from", code="future", text=text))
    elif asked.from_us >= asked.to_us:
        text = "the window is empty or reversed; the earlier time comes first"
        problems.append(FieldProblem(path=f"{path}.to", code="window_reversed", text=text))
    return problems


TOOLS_OF_STATION: Final = "SELECT tool FROM tool WHERE station = $1::text ORDER BY tool"


async def narrowing_problems(
    connection: Connection, plant: Plant, asked: AskedStation, *, path: str
) -> list[FieldProblem]:
    """Return why a tool, channel or carrier is none of a station: asked all the same, nothing would seem to be touched."""
    station = plant.stations.get(asked.station)
    if station is None:
        return []
    problems = []
    used = [record["tool"] for record in await connection.fetch(TOOLS_OF_STATION, station.code)]
    tools = list(dict.fromkeys([*(tool.code for tool in station.tools), *used]))
    if asked.tool and asked.tool not in tools:
        problems.append(_no_tool(path, asked, tools))
    carriers = plant.carriers.get(station.carrier)
    if carriers is None and (asked.channel is not None or asked.carrier):
        field = "carrier" if asked.channel is None else "channel"
        text = f"{station.code} works on single units, so nothing tells its places apart; leave channel and carrier out"
        problems.append(
            FieldProblem(path=f"{path}.{field}", code="no_carriers", text=text, values={"station": station.code})
        )
    elif carriers is not None:
        problems += await _carrier_problems(connection, carriers, asked, path=path)
    return problems


def _no_tool(path: str, asked: AskedStation, tools: list[str]) -> FieldProblem:
    names = ", ".join(tools)
    known = f"it has {names}; give one of these" if tools else "it has none"
    text = f"{asked.station} has no tool {asked.tool[:40]!r}: {known}, or leave the tool out for all that it did"
    values: dict[str, str | int] = {"station": asked.station, "tool": asked.tool[:40], "tools": names}
    return FieldProblem(path=f"{path}.tool", code="no_tool" if tools else "no_tools", text=text, values=values)


async def _carrier_problems(
    connection: Connection, carriers: CarrierType, asked: AskedStation, *, path: str
) -> list[FieldProblem]:
    problems, last = [], carriers.slot_count - 1
    if asked.channel is not None and asked.channel > last:
        text = f"{asked.station} has no channel {asked.channel}: a {carriers.code} has the slots 0 to {last}"
        values: dict[str, str | int] = {"station": asked.station, "channel": asked.channel, "last": last}
        problems.append(FieldProblem(path=f"{path}.channel", code="no_channel", text=text, values=values))
    if asked.carrier and not await connection.fetchval(SLOTS_OF_CODE, asked.carrier):
        text = f"no carrier has the code {asked.carrier[:40]!r}; scan it again, or leave it out for all carriers"
        values = {"carrier": asked.carrier[:40]}
        problems.append(FieldProblem(path=f"{path}.carrier", code="no_carrier", text=text, values=values))
    return problems
