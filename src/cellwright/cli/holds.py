"""`cellwright holds`: what may not go on, why, and who may let it go."""

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
    printable,
    show,
)
from cellwright.cli.times import since
from cellwright.database.pool import Connection
from cellwright.views.holds import Hold, Holds, read_holds

_CODES_SHOWN = 5


@click.command()
@click.option("--all", "with_lifted", is_flag=True, help="Also holds that were lifted.")
@data_option
@database_option
@clock_option
@json_option
@coroutine
async def holds(
    *, with_lifted: bool, data: Path | None, database_url: str | None, clock: Path | None, as_json: bool
) -> None:
    """List open holds: what is held, why, since when, by whom, and who may lift it."""
    now = open_clock(clock)

    async def question(connection: Connection) -> tuple[int, Holds]:
        return now(), await read_holds(connection, lifted=with_lifted)

    now_us, found = await ask(data, database_url, question)
    show(found, as_json=as_json, lines=lambda: holds_lines(found, now_us))


def holds_lines(found: Holds, now_us: int) -> list[str]:
    """Return holds at a plant time (UTC us) for people."""
    lines = [line for each in found.holds for line in _hold_lines(each, now_us)]
    open_count = sum(not each.released_us for each in found.holds)
    return [*lines, _releasing(found) if open_count else "no open hold"]


def _hold_lines(hold: Hold, now_us: int) -> list[str]:
    shown = [*hold.codes[:_CODES_SHOWN]]
    more = len(hold.codes) - len(shown)
    codes = ", ".join([*shown, f"... {more} more; all with --json"] if more else shown)
    lines = [
        f"hold {hold.id}: {len(hold.codes)} {hold.subject}{'s' if len(hold.codes) > 1 else ''}: {codes}",
        f"  reason: {printable(hold.reason)}",
        f"  placed: {since(hold.placed_us, now_us)} by {hold.placed_by or 'unknown'}",
    ]
    if hold.released_us:
        lines.append(f"  lifted: {since(hold.released_us, now_us)} by {hold.released_by} and {hold.second_person}")
    return lines


def _releasing(found: Holds) -> str:
    roles, people = " or ".join(found.releasing_roles), ", ".join(found.releasing_people)
    return f"a hold is lifted by two different people of the role {roles}: {people or 'nobody has it yet'}"
