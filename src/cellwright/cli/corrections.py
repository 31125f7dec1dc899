"""`cellwright corrections`: what a station's chambers and channels add to what they measure, and putting it in force."""

import sys
from collections.abc import Iterator
from random import SystemRandom
from typing import Any, Final

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
from cellwright.model.answers import Answer
from cellwright.model.commands import Submission
from cellwright.model.corrections import GaugeEffect, ReleaseCorrection
from cellwright.model.plant import Plant
from cellwright.plant.clock import Clock
from cellwright.plant.config import find_plant, load_plant
from cellwright.plant.corrections import CorrectionError, release_studies, study_station, study_warmth
from cellwright.plant.runtime import open_gate
from cellwright.views.gauges import PAGES_MAX, GaugeStudy
from cellwright.views.people import catch_up
from cellwright.views.warming import WarmingStudy

_SHOWN: Final = 5


class CorrectionsReport(Struct, frozen=True, kw_only=True):
    """What was found at a station, and of which characteristics it was put in force."""

    station: str
    studies: list[GaugeStudy]
    released: list[str] = []
    warming: list[WarmingStudy] = []


class _Release(Struct, frozen=True):
    """Why what was found is put in force, and which two people do it."""

    reason: str
    person: str
    second_person: str


@click.command()
@click.argument("station")
@click.option(
    "--pages",
    type=click.IntRange(2, PAGES_MAX),
    default=20,
    show_default=True,
    help="So many of its last trays count.",
)
@click.option(
    "--release",
    "is_release",
    is_flag=True,
    help="Put what was found in force from now on; needs --reason and two people.",
)
@click.option("--reason", default="", help="With --release: why.")
@click.option("--person", default="", help="With --release: badge of who releases, of quality or process.")
@click.option("--second-person", default="", help="With --release: badge of another one, who agrees.")
@plant_option
@data_option
@database_option
@clock_option
@json_option
@coroutine
async def corrections(station: str, *, pages: int, is_release: bool, as_json: bool, **given: Any) -> None:
    """Tell what the gauges of STATION add to what they measure, by its last trays, and where the spread comes from.

    With --release this comes into force as the next version: what is reported afterwards is corrected by it. Exit code 1
    when STATION corrects nothing, nothing could be estimated, or the gate refuses.
    """
    if is_release and not given["reason"].strip():
        raise click.UsageError("--release needs --reason TEXT; it stands in the record")
    if is_release and not (given["person"] and given["second_person"]):
        raise click.UsageError("--release needs --person and --second-person: whoever estimates may not release alone")
    plant, now = load_plant(find_plant(given["plant_name"])), open_clock(given["clock"])
    try:
        async with await open_existing(given["data"], given["database_url"]) as database:
            report = await _report(database.url, plant, station, pages_count=pages)
            if is_release:
                release = _Release(given["reason"], given["person"], given["second_person"])
                report.released.extend(await _put_in_force(database.url, plant, now, report=report, release=release))
    except CorrectionError as error:
        click.echo(printable(str(error)), err=True)
        sys.exit(EXIT_FAILED)
    show(report, as_json=as_json, lines=lambda: [printable(line) for line in report_lines(report)])
    sys.exit(EXIT_FAILED if all(study.problem for study in report.studies) else 0)


async def _report(url: str, plant: Plant, station: str, *, pages_count: int) -> CorrectionsReport:
    connection = await connect(url, name="cellwright corrections")
    try:
        await catch_up(connection)
        studies = await study_station(connection, plant, station, pages_count=pages_count)
        warming = await study_warmth(connection, plant, station, pages_count=pages_count)
        return CorrectionsReport(station=station, studies=studies, warming=warming)
    finally:
        await connection.close()


async def _put_in_force(
    url: str, plant: Plant, now: Clock, *, report: CorrectionsReport, release: _Release
) -> list[str]:
    epoch, sent = SystemRandom().getrandbits(62), [0]
    async with open_gate(url, plant, now) as gate:

        async def submit(command: ReleaseCorrection) -> Answer:
            sent[0] += 1
            submission = Submission(
                source="cli", epoch=epoch, seq=sent[0], time_us=now(), actor=release.person, command=command
            )
            return await gate.submit(submission, local_author())

        return await release_studies(report.studies, release.reason, second_person=release.second_person, submit=submit)


def report_lines(report: CorrectionsReport) -> Iterator[str]:
    """Yield a report for people: of each characteristic its window, its variance, and the gauges furthest off."""
    for study in report.studies:
        window = study.window
        yield f"{study.characteristic} at {study.station}: {window.units_count} values of {window.pages_count} pages"
        if study.problem:
            yield f"  not estimated: {study.problem}"
            continue
        yield "  variance: " + ", ".join(f"{each.of} {each.share_ratio:.1%}" for each in study.shares)
        for effect in study.effects:
            yield from _effect_lines(effect)
        yield from (f"  {note}" for note in study.notes[1:])
        is_released = study.characteristic in report.released
        yield "  in force from now on" if is_released else "  not in force; --release --reason TEXT puts it in force"
    for warming in report.warming:
        yield from _warming_lines(warming)


def _warming_lines(study: WarmingStudy) -> Iterator[str]:
    yield f"dU/dT at {study.station}: {study.pages_count} pages"
    if study.entropy_mv_per_c is None or study.error_mv_per_c is None:
        yield f"  not estimated: {study.problem}"
        return
    told = "nothing"
    if study.told_mv_per_c is not None:
        told = f"{study.told_mv_per_c:+g} +- {study.told_error_mv_per_c:g}"
    yield f"  {study.entropy_mv_per_c:+.3f} +- {study.error_mv_per_c:.3f} mV/C; characteristics.toml says {told}"


def _effect_lines(effect: GaugeEffect) -> Iterator[str]:
    columns = zip(effect.levels, effect.offsets_ratio, effect.errors_ratio, effect.counts, strict=True)
    furthest = sorted(columns, key=lambda each: -abs(each[1]))
    yield f"  {effect.by}: {len(furthest)}, spread {effect.spread_ratio:.2%}; furthest off:"
    for level, offset_ratio, error_ratio, count in furthest[:_SHOWN]:
        yield f"    {effect.by} {level}: {offset_ratio:+.2%} +- {error_ratio:.2%} (n = {count})"
