"""`cellwright pairs`: units that cannot be those of their record, because they do not weigh what was put into them."""

import sys
from collections.abc import Iterator
from random import SystemRandom
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
from cellwright.database.pool import Connection, connect
from cellwright.model.answers import Refusal
from cellwright.model.commands import HoldSubject, PlaceHold, Submission
from cellwright.model.plant import Plant
from cellwright.plant.clock import Clock
from cellwright.plant.config import find_plant, load_plant
from cellwright.plant.corrections import CorrectionError, mass_checks_of
from cellwright.plant.runtime import open_gate
from cellwright.views.pairs import PAGES_MAX, PairsFound, read_pairs
from cellwright.views.people import catch_up


class PairsReport(Struct, frozen=True, kw_only=True):
    """What was found at a station, and how many units were held now."""

    found: list[PairsFound]
    held_count: int = 0


@click.command()
@click.argument("station")
@click.option(
    "--pages", type=click.IntRange(1, PAGES_MAX), default=20, show_default=True, help="So many of its last pages count."
)
@click.option("--hold", "is_hold", is_flag=True, help="Hold what is impossible and not held yet.")
@plant_option
@data_option
@database_option
@clock_option
@json_option
@coroutine
async def pairs(station: str, *, pages: int, is_hold: bool, as_json: bool, **place: Any) -> None:
    """Tell which units STATION weighed that cannot be those of their record: mass against code.

    The rule is [[mass_checks]] of the plant's files. With --hold they are held; the same again holds only what is new. Exit
    code 1 when there is any that is not held, or STATION has no such rule.
    """
    plant, now = load_plant(find_plant(place["plant_name"])), open_clock(place["clock"])
    try:
        async with await open_existing(place["data"], place["database_url"]) as database:
            connection = await connect(database.url, name="cellwright pairs")
            try:
                report = await _look(connection, plant, station, pages_count=pages)
            finally:
                await connection.close()
            wrong = [pair.unit for each in report.found for pair in each.pairs if not pair.is_held]
            if is_hold and wrong:
                await _hold(database.url, plant, now, units=wrong)
                report = PairsReport(found=report.found, held_count=len(wrong))
    except CorrectionError as error:
        click.echo(printable(str(error)), err=True)
        sys.exit(EXIT_FAILED)
    show(report, as_json=as_json, lines=lambda: [printable(line) for line in report_lines(report)])
    sys.exit(EXIT_FAILED if len(wrong) > report.held_count else 0)


async def _look(connection: Connection, plant: Plant, station: str, *, pages_count: int) -> PairsReport:
    await catch_up(connection)
    return PairsReport(
        found=[
            await read_pairs(connection, station, operation, check=check, pages_count=pages_count)
            for operation, check in mass_checks_of(plant, station)
        ]
    )


async def _hold(url: str, plant: Plant, now: Clock, *, units: list[str]) -> None:
    why = "mass_inconsistent: it does not weigh what was recorded; find out which cell it is"
    command = PlaceHold(subject=HoldSubject.UNIT, codes=tuple(units), reason=why)
    epoch = SystemRandom().getrandbits(62)
    async with open_gate(url, plant, now) as gate:
        submission = Submission(source="cli", epoch=epoch, seq=1, time_us=now(), actor="cli", command=command)
        answer = await gate.submit(submission, local_author())
    if isinstance(answer, Refusal):
        raise CorrectionError("; ".join(each.text for each in answer.reasons))


def report_lines(report: PairsReport) -> Iterator[str]:
    """Yield a report for people: how many were compared, and each impossible pair."""
    for found in report.found:
        known = found.weighed_count - found.unknown_count
        unknown = f"; of {found.unknown_count} more a mass is unknown" if found.unknown_count else ""
        yield f"{found.operation} at {found.station}: {known} units compared within {found.tolerance_g:g} g{unknown}"
        for pair in found.pairs:
            more = "more" if pair.excess_g > 0 else "less"
            held = ", on hold" if pair.is_held else ""
            yield (
                f"  {pair.unit} weighs {pair.weighed_g:.1f} g, {abs(pair.excess_g):.1f} g {more} than its record{held}: "
                "it is another unit, or was worked on without record"
            )
        if not found.pairs:
            yield "  every unit weighs what its record says"
    if report.held_count:
        yield f"{report.held_count} units are held now"
