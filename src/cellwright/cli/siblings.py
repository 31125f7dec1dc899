"""`cellwright siblings`: one unit is bad; who shares its fate?"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import click

from cellwright.cli.common import ask, coroutine, data_option, database_option, json_option, printable, show
from cellwright.cli.main import EXIT_FAILED
from cellwright.cli.sibling_words import cause_text, command_of
from cellwright.database.pool import Connection
from cellwright.model.ids import UnitKind
from cellwright.views.people import catch_up
from cellwright.views.siblings.reading import SiblingGroup, Siblings, read_siblings
from cellwright.views.siblings.steps import DAYS_MAX, MINUTES_MAX, Around
from cellwright.views.spread import Place
from cellwright.views.subjects import CodeKind, TraceError, find_code

_CAUSES_SHOWN: Final = 4
_UNITS_SHOWN: Final = 20
_UNITS_MAX: Final = 1000


@click.command()
@click.argument("code")
@click.option(
    "--minutes",
    type=click.IntRange(0, MINUTES_MAX),
    default=15,
    show_default=True,
    help="At a machine: so long before and after it.",
)
@click.option(
    "--days",
    type=click.IntRange(0, DAYS_MAX),
    default=3,
    show_default=True,
    help="In a channel, or with a tool: so long before and after it.",
)
@data_option
@database_option
@json_option
@coroutine
async def siblings(
    code: str, *, minutes: int, days: int, data: Path | None, database_url: str | None, as_json: bool
) -> None:
    """Tell who shares what with the bad unit CODE: from the narrowest cause to the widest, and where they are now.

    Causes are stretches, lanes and whole lots of what it is made of, the machines around its time there, their channels
    and tools, carriers, and the module and pack that it is in. Causes that the same units share stand together.
    Exit code 1 when CODE is not that of a unit.
    """

    async def question(connection: Connection) -> Siblings:
        found = await find_code(connection, code)
        if found.kind is not CodeKind.UNIT:
            raise TraceError(f"{code} is a {found.kind}, not a unit; ask for a cell, module or pack of it")
        await catch_up(connection)
        return await read_siblings(
            connection, found.number, Around(minutes=minutes, days=days), limit=_UNITS_MAX if as_json else _UNITS_SHOWN
        )

    try:
        answer = await ask(data, database_url, question)
    except TraceError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_FAILED)
    show(answer, as_json=as_json, lines=lambda: [printable(line) for line in siblings_lines(answer)])


def siblings_lines(answer: Siblings) -> Iterator[str]:
    """Yield an answer for people: groups with their counts and the question that lists them, then who to fetch first."""
    yield f"siblings of {answer.kind} {answer.subject} ({answer.product}), the narrowest cause first"
    for number, group in enumerate(answer.groups, start=1):
        yield from _group_lines(number, group)
    if not answer.groups:
        yield "it shares nothing with any other unit"
    if answer.alone:
        yield f"shared with nobody: {len(answer.alone)} more causes; --json names them"
    if answer.units:
        yield f"fetch first (of {answer.units_count}, those that share most and with fewest):"
    for unit in answer.units[:_UNITS_SHOWN]:
        inside = "" if unit.outermost == unit.code else f" in {unit.outermost}"
        where = " ".join(filter(None, (unit.status, unit.station, "on hold" if unit.held else "")))
        yield f"  {unit.code}{inside}, {where}; in {unit.groups_count} groups, the narrowest of {unit.narrowest_count}"


def _group_lines(number: int, group: SiblingGroup) -> Iterator[str]:
    count = "more than can be counted at once" if group.siblings_count is None else f"{group.siblings_count}"
    together = "" if group.together_count is None else f", {group.together_count} with all above"
    held_in = _levels(group)
    yield f"{number:3}. {count}{together}{held_in}: {cause_text(group.causes[0])}; basis {group.causes[0].basis}"
    for cause in group.causes[1:_CAUSES_SHOWN]:
        yield f"     = {cause_text(cause)}"
    if len(group.causes) > _CAUSES_SHOWN:
        yield f"     = {len(group.causes) - _CAUSES_SHOWN} more; all with --json"
    if group.places:
        yield f"     {_places(group.places)}"
    yield f"     {command_of(group.causes[0])}"


def _levels(group: SiblingGroup) -> str:
    levels = group.levels or {}
    vehicles = {"vehicle": group.vehicles_count} if group.vehicles_count else {}
    named: dict[str, int] = {str(kind): levels[kind] for kind in UnitKind if kind in levels}
    named |= vehicles
    shown = ", ".join(f"{count} {kind}{'s' if count != 1 else ''}" for kind, count in named.items())
    return f" ({shown})" if shown else ""


def _places(places: Iterable[Place]) -> str:
    counts: Counter[str] = Counter()
    for place in places:
        counts[" ".join(filter(None, (place.product, place.status, place.station)))] += place.units_count
    return "; ".join(f"{count} x {where}" for where, count in counts.most_common())
