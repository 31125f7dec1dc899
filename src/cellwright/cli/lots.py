"""`cellwright import`: lots and their parents, as another system recorded them, from a file."""

import sys
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from cellwright.cli.common import (
    clock_option,
    coroutine,
    data_option,
    database_option,
    json_option,
    local_author,
    open_clock,
    open_existing,
    plant_option,
    printable,
    show,
)
from cellwright.cli.main import EXIT_FAILED
from cellwright.database.pool import connect
from cellwright.links.lotfile.columns import Problem
from cellwright.model.plant import Plant
from cellwright.plant.clock import Clock
from cellwright.plant.config import find_plant, load_plant
from cellwright.plant.lot_import import FileToImport, Standing, find_standing, open_file, rehearse, submit
from cellwright.plant.runtime import open_gate


class ImportReport(Struct, frozen=True, kw_only=True):
    """What became of a file."""

    file: str
    sha256: str
    dry_run: bool
    lots: int
    parents: int
    pages: int
    imported_lots: int
    known_lots: int
    problems: list[Problem]


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, readable=True))
@click.option("--dry-run", is_flag=True, help="Only say what would happen, and everything that is wrong.")
@plant_option
@data_option
@database_option
@clock_option
@json_option
@coroutine
async def import_file(file: Path, *, dry_run: bool, as_json: bool, **place: Any) -> None:
    """Import the lots of FILE (CSV, JSON lines or Parquet) with their parents; they stay unreleased.

    Nothing is imported unless all of the file is right. The same file again changes nothing. Exit code 1 when anything
    is wrong; each problem has a line.
    """
    plant, now = load_plant(find_plant(place["plant_name"])), open_clock(place["clock"])
    wanted = open_file(file)
    async with await open_existing(place["data"], place["database_url"]) as database:
        standing, problems = await _look(database.url, plant, wanted, now_us=now())
        imported = 0
        if not dry_run and not problems:
            imported, problems = await _import(database.url, plant, wanted, standing=standing, now=now)
    report = _report(wanted, standing, dry_run=dry_run, imported=imported, problems=sorted(problems))
    show(report, as_json=as_json, lines=lambda: _lines(report))
    sys.exit(EXIT_FAILED if problems else 0)


async def _look(url: str, plant: Plant, wanted: FileToImport, *, now_us: int) -> tuple[Standing, list[Problem]]:
    connection = await connect(url, name="cellwright import")
    try:
        standing = await find_standing(connection, wanted)
        refused = await rehearse(connection, plant, wanted, standing, now_us=now_us)
        return standing, [*wanted.problems, *refused]
    finally:
        await connection.close()


async def _import(
    url: str, plant: Plant, wanted: FileToImport, *, standing: Standing, now: Clock
) -> tuple[int, list[Problem]]:
    """Import what is left; return how many lots were imported, and why it stopped."""
    imported, problems = 0, list[Problem]()
    left = sum(len(page.command.lots) for number, page in enumerate(wanted.pages) if number not in standing.done)
    if not left:
        return 0, []
    label = f"importing {printable(wanted.name)}"
    async with open_gate(url, plant, now) as gate:
        pages = submit(gate, wanted, standing, now_us=now(), author=local_author())
        with click.progressbar(length=left, label=label, file=sys.stderr) as progress:
            async for count, refused in pages:
                imported += count
                problems += refused
                progress.update(count)
    return imported, problems


def _report(
    wanted: FileToImport, standing: Standing, *, dry_run: bool, imported: int, problems: list[Problem]
) -> ImportReport:
    return ImportReport(
        file=wanted.name,
        sha256=wanted.file.sha256.hex(),
        dry_run=dry_run,
        lots=len(wanted.file.lots),
        parents=wanted.parents_count,
        pages=len(wanted.pages),
        imported_lots=imported,
        known_lots=sum(len(wanted.pages[number].command.lots) for number in standing.done),
        problems=problems,
    )


def _lines(report: ImportReport) -> list[str]:
    lines = [printable(_place(report.file, each) + each.text) for each in report.problems]
    size = f"{report.file}: {_counted(report.lots, 'lot')}, {_counted(report.parents, 'link')} to parents"
    return [*lines, printable(f"{size}; {_outcome(report)}")]


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _place(file: str, problem: Problem) -> str:
    line = f":{problem.line}" if problem.line else ""
    return f"{file}{line}: {problem.column}: " if problem.column else f"{file}{line}: "


def _outcome(report: ImportReport) -> str:
    left = report.lots - report.known_lots - report.imported_lots
    known = f" ({report.known_lots:,} were before)" if report.known_lots else ""
    if report.problems:
        done = _counted(report.imported_lots, "lot") if report.imported_lots else "nothing"
        found = _counted(len(report.problems), "problem")
        return f"{done} imported{known}, {found}: mend the file, then import it again"
    if not left and not report.imported_lots:
        return "all of it was imported before, nothing changed"
    if report.dry_run:
        return f"{_counted(left, 'lot')} to be imported{known}, nothing is wrong"
    return f"{_counted(report.imported_lots, 'lot')} imported{known}, none of them is released"
