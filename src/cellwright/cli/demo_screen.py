"""What a person sees while the demo runs: a progress bar, or a live view of the plant."""

import asyncio
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress as Bar, TextColumn, TimeElapsedColumn

from cellwright.cli.demo_run import Progress
from cellwright.model.plant import Plant


class Screen:
    """Shows progress on standard error, so that standard output holds only the result."""

    def __init__(self, packs: int, *, is_live: bool) -> None:
        """Prepare for a number of packs; `is_live` shows the stations too."""
        self._is_live = is_live
        self._console = Console(stderr=True)
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            console=self._console,
            transient=False,
        )
        self._packs = packs
        self._task = self._bar.add_task("starting", total=1.0)

    def __enter__(self) -> Self:
        """Begin to show."""
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop showing."""
        self._bar.stop()

    def step(self, text: str) -> None:
        """Tell what is being done now."""
        self._bar.update(self._task, description=text)

    def progress(self, progress: Progress, restarts: int) -> None:
        """Show how far the plant is."""
        cells = 320 * self._packs
        share = min(0.9, 0.9 * progress.cells_good / cells) + 0.1 * progress.packs_shipped / self._packs
        again = f", gate restarted {restarts} times" if restarts else ""
        text = f"{progress.cells_wound} cells wound, {progress.packs_shipped} of {self._packs} packs shipped{again}"
        self._bar.update(self._task, completed=share, description=text)

    async def follow(self, database_url: str, plant: Plant) -> None:
        """Show the plant's state until cancelled."""
        del database_url, plant
        await asyncio.Event().wait()
