"""`cellwright line`: what a line that runs by itself is doing."""

from pathlib import Path

import click

from cellwright.cli.common import (
    ask,
    clock_option,
    coroutine,
    data_option,
    database_option,
    json_option,
    open_clock,
    plant_option,
    printable,
    show,
)
from cellwright.cli.times import since
from cellwright.database.pool import Connection
from cellwright.model.plant import Plant
from cellwright.plant.config import find_plant, load_plant
from cellwright.plant.line.interest import Interest
from cellwright.views.line import read_wants
from cellwright.views.line_status import LineJob, LinePlan, LineStatus, read_line
from cellwright.views.people import catch_up


@click.command()
@plant_option
@data_option
@database_option
@clock_option
@json_option
@coroutine
async def line(
    plant_name: str, *, data: Path | None, database_url: str | None, clock: Path | None, as_json: bool
) -> None:
    """Show the stations that work on job orders: their jobs, open calls, what waits, what orders want; plant time."""
    plant, now = load_plant(find_plant(plant_name)), open_clock(clock)

    async def question(connection: Connection) -> tuple[int, LineStatus]:
        await catch_up(connection)
        now_us = now()
        return now_us, await read_line(connection, plan_of(plant), await read_wants(connection), now_us)

    now_us, seen = await ask(data, database_url, question)
    show(seen, as_json=as_json, lines=lambda: line_lines(seen, now_us))


def plan_of(plant: Plant) -> LinePlan:
    """Return which stations of a plant are its line."""
    interest = Interest(plant)
    members = {each.members.product for each in interest.joins.values() if each.members is not None}
    stations = {code: (each.name, each.operations) for code, each in plant.stations.items() if each.dispatched}
    made = {draft.product for draft in plant.routes.values() if draft.operations[0].code in interest.joins}
    return LinePlan(stations, made, members)


def line_lines(seen: LineStatus, now_us: int) -> list[str]:
    """Return a line at a plant time (UTC us) for people."""
    if not seen.stations:
        return ["no station of this plant works on job orders; set `dispatched = true` in equipment.toml"]
    calls = [f"  {each.station} {each.kind}, {since(each.raised_us, now_us)}: {each.text}" for each in seen.calls]
    lines = [
        "calls:" if calls else "calls: none",
        *calls,
        "orders:" if seen.orders else "orders: none",
        *(f"  {each.order}: {each.left_count} {each.product} still to begin" for each in seen.orders),
        "stations:",
        *(f"  {each.station} ({each.name}): {each.jobs_count} jobs" for each in seen.stations),
        "jobs:" if seen.jobs else "jobs: none",
        *(f"  {_job_text(each)}, ordered {since(each.dispatched_us, now_us)}" for each in seen.jobs),
        "waiting:",
        *(f"  {each.product} {each.operation or 'in stock'}: {each.waiting_count}" for each in seen.buffers),
    ]
    return [printable(each) for each in lines]


def _job_text(job: LineJob) -> str:
    what = f"joins {job.members_count}" if job.members_count else f"{job.units_count} units"
    verb = job.operation or f"bring for {job.serves}"
    return f"{job.job} at {job.station}: {verb}, {what}, {job.state}{f', for {job.order}' if job.order else ''}"
