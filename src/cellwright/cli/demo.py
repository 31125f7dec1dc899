"""`cellwright demo`: a virtual plant makes battery packs through the real gate, over real sockets."""

import asyncio
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import click

from cellwright.cli.common import coroutine, to_json
from cellwright.cli.demo_report import Report, report_lines
from cellwright.cli.demo_run import DemoOptions, run_demo
from cellwright.cli.demo_screen import Screen
from cellwright.cli.main import EXIT_FAILED

_LISTEN = "127.0.0.1:8640"
_PACE_RATIO = 120.0
"""Fast enough for a pack in some minutes, slow enough to see it move."""


@click.command()
@click.option("--packs", default=1, show_default=True, type=click.IntRange(1, 1000), help="Packs to ship.")
@click.option("--seed", default=7, show_default=True, help="Every chance in the virtual plant follows from it.")
@click.option("--headless", is_flag=True, help="A progress bar, or lines in a file, instead of the live view.")
@click.option(
    "--listen",
    default=None,
    help="HOST:PORT of the pages, `none` = no pages. [default: 127.0.0.1:8640; none if headless]",
)
@click.option(
    "--pace",
    default=None,
    type=click.FloatRange(min=0),
    help="Plant seconds per second at most, 0 = as fast as it goes. [default: 120; 0 if headless]",
)
@click.option(
    "--defect",
    "defects",
    multiple=True,
    metavar="NAME[=RATE]",
    help="Let the virtual plant have a defect, as `bolt_loose`; may be repeated. Names: docs/explanation/virtual-plant.md.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Keep the plant's data in this folder. [default: a temporary one]",
)
@click.option(
    "--plant", "plant_name", default="lfp32700", show_default=True, help="Folder or name of the plant's files."
)
@click.option(
    "--database",
    "database_url",
    default=None,
    help="Address of an empty database of your own PostgreSQL >= 15. [default: an embedded one; never DATABASE_URL]",
)
@coroutine
async def demo(
    *,
    packs: int,
    seed: int,
    headless: bool,
    listen: str | None,
    pace: float | None,
    defects: tuple[str, ...],
    as_json: bool,
    data: Path | None,
    plant_name: str,
    database_url: str | None,
) -> None:
    """Let a virtual plant make battery packs while you watch; nothing outside this machine is touched.

    Exit code 1 when no pack was shipped, a record differs from the truth, or the tables differ from the journal.
    """
    with tempfile.TemporaryDirectory(prefix="cellwright-demo-", ignore_cleanup_errors=True) as scratch:
        folder = data or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if data is None:
            folder.chmod(0o755)
        options = DemoOptions(
            packs=packs,
            seed=seed,
            plant=plant_name,
            folder=folder,
            database_url=database_url,
            listen=listen or ("none" if headless else _LISTEN),
            defects=defects,
            pace_ratio=pace if pace is not None else (0 if headless else _PACE_RATIO),
        )
        with Screen(packs, is_live=not headless and sys.stdout.isatty()) as screen:
            report = await run_demo(options, screen, lambda report: _stay(report, screen, options, as_json=as_json))
    sys.exit(0 if report.is_good(packs) else EXIT_FAILED)


async def _stay(report: Report, screen: Screen, options: DemoOptions, *, as_json: bool) -> None:
    """Print what came of it; while pages are served, go on until Ctrl-C."""
    screen.step("done")
    screen.close()
    click.echo(to_json(report) if as_json else "\n".join(report_lines(report)))
    if options.listen == "none":
        return
    click.echo(f"the pages stay at {screen.address} until Ctrl-C", err=True)
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
