"""`cellwright recall`: what would it touch, where is it, what does it cost? And then: hold all of it."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import Any

import click
from msgspec import structs

from cellwright.cli.common import (
    ask,
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
from cellwright.model.answers import Answer
from cellwright.model.commands import PlaceRecall, Submission
from cellwright.model.plant import Plant
from cellwright.plant.config import find_plant, load_plant
from cellwright.plant.recall_questions import CHANNEL_MAX, AskedStation, narrowing_problems
from cellwright.plant.recalls import (
    Order,
    RecallError,
    RecallPlan,
    RecallQuestion,
    RecallReport,
    held_units,
    place_recall,
    plan_recall,
)
from cellwright.plant.runtime import open_gate
from cellwright.views.machines import Window
from cellwright.views.people import catch_up
from cellwright.views.spread import Section
from cellwright.views.subjects import CodeKind, TraceError, find_code

_TIMES = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"]
_MM_PER_M = 1000
_LOTS_SHOWN = 10


@click.command()
@click.option("--lot", "lots", multiple=True, help="A lot that is in doubt; may be given again.")
@click.option("--metres", default="", metavar="A:B", help="Of one lot counted in mm: only metres A to B.")
@click.option("--lane", type=click.IntRange(0, 1000), default=0, help="Of one lot: only this lane. [default: all]")
@click.option("--machine", default="", help="A station: what it began or finished between --from and --to.")
@click.option("--from", "from_", type=click.DateTime(_TIMES), default=None, help="UTC.")
@click.option("--to", type=click.DateTime(_TIMES), default=None, help="UTC, excluded.")
@click.option("--tool", default="", help="Of a machine: only what this tool of it worked on.")
@click.option(
    "--channel", type=click.IntRange(0, CHANNEL_MAX), default=None, help="Of a machine: only this place, by its slot."
)
@click.option("--carrier", default="", help="Of a machine: only what was in this tray or magazine.")
@click.option("--dry-run/--hold", default=True, help="Only say what would be held; or hold it. [default: --dry-run]")
@click.option("--recall", "recall_code", default="", help="With --hold: the recall's code; the same adds what is new.")
@click.option("--reason", default="", help="With --hold: why.")
@plant_option
@data_option
@database_option
@clock_option
@json_option
@coroutine
async def recall(*, dry_run: bool, data: Path | None, database_url: str | None, as_json: bool, **given: Any) -> None:
    """Say what was made of lots, stretches of a lot, or at a machine: how much of it is where, its cost, whom to tell.

    With --hold everything is held by one command: the lots, and each unit by the outermost one that it is in. The same
    recall again holds only what it does not hold yet. Exit code 1 when a code is unknown or the gate refuses.
    """
    plant, now_us = load_plant(find_plant(given["plant_name"])), open_clock(given["clock"])()
    if not dry_run and not (given["recall_code"].strip() and given["reason"].strip()):
        raise click.UsageError("--hold needs --recall CODE and --reason TEXT; they stand on every hold")

    async def question(connection: Connection) -> RecallPlan:
        await catch_up(connection)
        return await plan_recall(connection, plant, await _question(connection, plant, now_us, given))

    try:
        if dry_run:
            plan = await ask(data, database_url, question)
            show(_shown(plan), as_json=as_json, lines=lambda: plan_lines(plan))
            return
        report = await _hold(plant, data, database_url, given)
    except (TraceError, RecallError) as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_FAILED)
    show(report, as_json=as_json, lines=lambda: _report_lines(report))


async def _hold(plant: Plant, data: Path | None, database_url: str | None, given: dict[str, Any]) -> RecallReport:
    now, epoch, sent = open_clock(given["clock"]), SystemRandom().getrandbits(62), [0]
    async with await open_existing(data, database_url) as database, open_gate(database.url, plant, now) as gate:

        async def submit(command: PlaceRecall) -> Answer:
            sent[0] += 1
            submission = Submission(source="cli", epoch=epoch, seq=sent[0], time_us=now(), actor="cli", command=command)
            return await gate.submit(submission, local_author())

        connection = await connect(database.url)
        try:
            await catch_up(connection)
            asked = await _question(connection, plant, now(), given)
            order = Order(recall=given["recall_code"], reason=given["reason"], question=asked)
            return await place_recall(connection, plant, order, submit=submit)
        finally:
            await connection.close()


async def _question(connection: Connection, plant: Plant, now_us: int, given: dict[str, Any]) -> RecallQuestion:
    """Return what is asked; raises TraceError or RecallError that says what to give instead."""
    metres, lots = given["metres"], given["lots"]
    if (metres or given["lane"]) and len(lots) != 1:
        raise RecallError("--metres and --lane choose a stretch of one lot; give --lot once")
    sections = []
    for code in lots:
        found = await find_code(connection, code)
        if found.kind is not CodeKind.LOT:
            raise RecallError(
                f"{code} is a {found.kind}, not a lot; hold it by itself, or recall the lots it was made of"
            )
        measure = await connection.fetchval("SELECT measure FROM lot WHERE id = $1", found.number)
        start, end = _stretch(metres, measure, code) if metres else (None, None)
        sections.append(Section(lot=found.number, start=start, end=end, lane=given["lane"]))
    return RecallQuestion(sections=tuple(sections), windows=await _windows(connection, plant, now_us, given))


def _stretch(metres: str, measure: str, code: str) -> tuple[int, int]:
    if measure != "mm":
        raise RecallError(f"{code} is counted in {measure}, so it has no metres; leave --metres out")
    try:
        low, high = (round(float(part) * _MM_PER_M) for part in metres.split(":"))
    except (ValueError, OverflowError):
        raise RecallError(
            f"--metres {metres[:40]!r}: give two numbers as 312.0:318.5, from the lot's beginning"
        ) from None
    if low >= high:
        raise RecallError(f"--metres {metres[:40]}: the stretch is empty or reversed; the smaller number comes first")
    return low, high


async def _windows(connection: Connection, plant: Plant, now_us: int, given: dict[str, Any]) -> tuple[Window, ...]:
    window = _window(plant, now_us, given)
    if window is None:
        return ()
    asked = AskedStation(**structs.asdict(window))
    if problems := await narrowing_problems(connection, plant, asked, path=""):
        raise RecallError("; ".join(each.text for each in problems))
    return (window,)


def _window(plant: Plant, now_us: int, given: dict[str, Any]) -> Window | None:
    station, start, end = given["machine"], given["from_"], given["to"]
    narrowing = {name: given[name] for name in ("tool", "channel", "carrier")}
    if not station:
        if start or end or any(each not in ("", None) for each in narrowing.values()):
            raise RecallError("--from, --to, --tool, --channel and --carrier are of a machine; give --machine too")
        return None
    if station not in plant.stations:
        raise RecallError(
            f"station {station[:40]!r} is not in plant {plant.code}; `cellwright status` lists its stations"
        )
    if start is None or end is None or start >= end:
        raise RecallError("--machine needs --from and --to, the earlier one first (UTC, as 2026-03-01T14:05)")
    window = Window(station=station, from_us=_time_us(start), to_us=_time_us(end), **narrowing)
    if window.from_us > now_us:
        raise RecallError(f"--from {start:%Y-%m-%dT%H:%M} lies in the future of the plant's clock; give a past time")
    return window


def _time_us(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp()) * 1_000_000


def _shown(plan: RecallPlan) -> dict[str, Any]:
    """Return a plan for programs; the units themselves are to be had by `cellwright trace`."""
    return {name: getattr(plan, name) for name in plan.__struct_fields__ if name != "outermost"} | {
        "held_if_placed_count": held_units(plan)
    }


def plan_lines(plan: RecallPlan) -> list[str]:
    """Return a plan for people: counts, then places, then cost and whom to tell."""
    levels = ", ".join(f"{count} {kind}{'s' if count != 1 else ''}" for kind, count in plan.levels.items())
    vehicles = f", in {plan.vehicles_count} vehicles" if plan.vehicles_count else ""
    lines = [f"touched: {levels or 'no unit'}{vehicles}, {len(plan.lots)} lots", f"precision: {plan.precision}"]
    lines += [f"  {each}" for each in _lot_lines(plan)]
    for place in plan.places:
        where = " ".join(filter(None, (place.status, place.station)))
        cost = "cost unknown" if place.cost is None else f"{place.cost} {plan.currency}"
        held = f", {place.held_count} on hold already" if place.held_count else ""
        lines.append(f"  {place.units_count} x {place.product} {where}{held}: {cost}")
    unpriced = f"; {plan.unpriced_count} units without a cost in the plant's files" if plan.unpriced_count else ""
    lines.append(f"cost: {'unknown' if plan.cost is None else f'{plan.cost} {plan.currency}'}{unpriced}")
    lines += [f"tell {printable(each.to or 'unknown')}: {each.count} {each.about}s" for each in plan.notices]
    return [*lines, f"--hold would hold {len(plan.lots)} lots and {held_units(plan)} units"]


def _lot_lines(plan: RecallPlan) -> list[str]:
    shown = [f"{lot.code} ({lot.material}{', in doubt' if lot.is_subject else ''})" for lot in plan.lots[:_LOTS_SHOWN]]
    more = len(plan.lots) - len(shown)
    return [f"lot {each}" for each in shown] + ([f"... {more} more lots; all with --json"] if more else [])


def _report_lines(report: RecallReport) -> list[str]:
    new = f"new holds {', '.join(report.holds)}" if report.holds else "nothing new to hold"
    return [
        f"recall {printable(report.recall)}: {new}; it holds {report.lots_count} lots and {report.units_count} units"
    ]
