"""What a person sees while the demo runs: a progress bar, and on a terminal the plant's stations as they work."""

import asyncio
from contextlib import suppress
from typing import Self

import asyncpg
from msgspec import Struct
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from cellwright.cli.demo_run import Progress
from cellwright.cli.status import yield_text
from cellwright.cli.times import moment
from cellwright.database.pool import connect
from cellwright.errors import DatabaseError
from cellwright.model.plant import Plant
from cellwright.views.people import catch_up
from cellwright.views.status import StationStatus, Status, read_status
from cellwright.views.yields import Tally, read_yields

_CELLS_PER_PACK = 320
_LOOK_S = 0.5


class Stage(Struct, frozen=True):
    """What the virtual plant is doing now: a name that changes seldom, and how far it is."""

    name: str
    detail: str


def stage_of(progress: Progress, packs: int) -> Stage:
    """Return the stage in words for somebody who has never seen a battery plant."""
    needed, wound, good = _CELLS_PER_PACK * packs, progress.cells_wound, progress.cells_good
    if progress.packs_shipped >= packs:
        return Stage("all packs are shipped", f"{progress.packs_shipped} of {packs}")
    if good >= needed:
        return Stage("building packs from tested cells", f"{progress.packs_shipped} of {packs} packs shipped")
    if good:
        return Stage("charging and testing cells", f"{wound} wound, {good} good; {packs} packs need {needed}")
    if wound:
        return Stage("winding and filling cells", f"{wound} wound; {packs} packs need {needed} good ones")
    return Stage("making electrodes", "powder is mixed, coated on foil, pressed and slit")


class Screen:
    """Shows progress on standard error, so that standard output holds only the result: a bar, or lines in a file."""

    def __init__(self, packs: int, *, is_live: bool) -> None:
        """Prepare for a number of packs; `is_live` shows the stations too."""
        self._is_live = is_live
        self._packs = packs
        self._console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
        self._bar = Bar(*columns, TimeElapsedColumn(), console=self._console)
        self._task = self._bar.add_task("starting", total=1.0)
        self._live = Live(self._bar, console=self._console, refresh_per_second=4, transient=False)
        self._link = Text("")
        self.address = ""
        self._now_us = 0
        self._told = ""

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop showing."""
        self.close()

    def close(self) -> None:
        """Stop showing for good; the last picture stays."""
        self._live.stop()

    def invite(self, link: str) -> None:
        """Tell the address that opens the pages: a line of its own, whose text a terminal can pick up whole."""
        self.address = link.partition("/set-up/")[0]
        self._link = Text(f"open {link}", style="bold", overflow="fold")
        self._live.update(Group(self._link, self._bar))
        self._tell(f"open {link}")

    def step(self, text: str) -> None:
        """Tell what is being done now."""
        self._bar.update(self._task, description=text)
        self._tell(text)

    def progress(self, progress: Progress, restarts: int) -> None:
        """Show how far the plant is."""
        self._now_us = progress.time_us
        wound, good = (
            min(1.0, each / (_CELLS_PER_PACK * self._packs)) for each in (progress.cells_wound, progress.cells_good)
        )
        share = 0.6 * wound + 0.3 * good + 0.1 * progress.packs_shipped / self._packs
        again = f"; the gate was started again {restarts} times" if restarts else ""
        stage = stage_of(progress, self._packs)
        self._bar.update(self._task, completed=share, description=f"{stage.name}: {stage.detail}{again}")
        self._tell(stage.name)

    def _tell(self, text: str) -> None:
        """Write a line where no bar can move, once."""
        if not self._console.is_terminal and text != self._told:
            self._console.print(text, highlight=False, soft_wrap=True)
            self._told = text

    async def follow(self, database_url: str, plant: Plant) -> None:
        """Show the plant's stations until cancelled; a database that is away for a moment is waited for."""
        while self._is_live:
            with suppress(DatabaseError, asyncpg.PostgresError, OSError):
                await self._look(database_url, plant)
            await asyncio.sleep(_LOOK_S)
        await asyncio.Event().wait()

    async def _look(self, database_url: str, plant: Plant) -> None:
        connection = await connect(database_url, name="demo view")
        try:
            while True:
                await catch_up(connection)
                seen = await read_status(connection, self._now_us)
                yields = await read_yields(connection)
                self._live.update(Group(_picture(plant, seen, yields, self._now_us), self._link, self._bar))
                await asyncio.sleep(_LOOK_S)
        finally:
            await connection.close()


def _picture(plant: Plant, seen: Status, yields: list[Tally], now_us: int) -> Table:
    table = Table(title=_title(plant, seen, now_us), title_justify="left", expand=True, box=None, pad_edge=False)
    for name in ("station", "operation", "in process", "good", "not good", "first-pass yield", "last refusal"):
        table.add_column(name, justify="right" if name in ("in process", "good", "not good") else "left")
    known = {each.station: each for each in seen.stations}
    tallies = {each.operation: each for each in yields}
    for station in plant.stations.values():
        state = known.get(station.code, StationStatus(station.code))
        operations = [tallies[code] for code in station.operations if code in tallies]
        table.add_row(
            Text(station.code, style="bold" if state.running_count else "dim"),
            ", ".join(station.operations),
            str(state.running_count or ""),
            str(state.ok_count or ""),
            Text(str(state.ng_count or ""), style="yellow" if state.ng_count else ""),
            ", ".join(yield_text(each) for each in operations),
            Text(f"{state.last_refusal} ({state.refused_count})" if state.refused_count else "", style="dim"),
        )
    return table


def _title(plant: Plant, seen: Status, now_us: int) -> str:
    time = moment(now_us) if now_us else "unknown"
    counts = [f"{sum(by_status.values())} {kind}s" for kind, by_status in seen.units.items()]
    return f"{plant.name}   plant time {time}   {seen.facts} facts   " + "   ".join(counts)
