"""`cellwright user`: people by badge code, their roles and qualifications."""

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import Any

import click

from cellwright.cli.common import (
    ask,
    clock_option,
    coroutine,
    data_option,
    database_option,
    json_option,
    open_clock,
    open_existing,
    plant_option,
    refusal_lines,
    show,
    to_json,
)
from cellwright.cli.main import EXIT_FAILED
from cellwright.database.pool import Connection
from cellwright.model.answers import Refusal
from cellwright.model.commands import AddPerson, Command, DisablePerson, QualifyPerson, Submission
from cellwright.plant.config import find_plant, load_plant
from cellwright.plant.runtime import open_gate
from cellwright.rules.people import ROLES
from cellwright.rules.state import PersonRow, QualificationRow
from cellwright.views.resources import PERSONS, QUALIFICATIONS


@click.group()
def user() -> None:
    """People by badge code, their roles and qualifications."""


def _place(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which plant."""
    for option in (plant_option, data_option, database_option, clock_option, json_option):
        function = option(function)
    return function


@user.command()
@click.argument("person")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(ROLES), help="May be given again.")
@_place
@coroutine
async def add(person: str, roles: tuple[str, ...], *, as_json: bool, **place: Any) -> None:
    """Make PERSON known, or give PERSON other roles."""
    await _command(AddPerson(person=person, roles=roles), as_json=as_json, **place)


@user.command()
@click.argument("person")
@_place
@coroutine
async def disable(person: str, *, as_json: bool, **place: Any) -> None:
    """PERSON may act no more."""
    await _command(DisablePerson(person=person), as_json=as_json, **place)


@user.command()
@click.argument("person")
@click.argument("qualification")
@click.option(
    "--until", type=click.DateTime(), required=True, help="Last moment of validity, UTC; a date alone is its 00:00."
)
@_place
@coroutine
async def qualify(person: str, qualification: str, until: datetime, *, as_json: bool, **place: Any) -> None:
    """PERSON holds QUALIFICATION until a date."""
    until_us = int(until.replace(tzinfo=UTC).timestamp()) * 1_000_000
    command = QualifyPerson(person=person, qualification=qualification, valid_until_us=until_us)
    await _command(command, as_json=as_json, **place)


@user.command(name="list")
@data_option
@database_option
@json_option
@coroutine
async def list_people(data: Path | None, database_url: str | None, *, as_json: bool) -> None:
    """List people with roles and qualifications."""
    people, held = await ask(data, database_url, _people)
    by_person: dict[str, list[QualificationRow]] = {}
    for each in held:
        by_person.setdefault(each.person, []).append(each)
    content = [{"person": row, "qualifications": by_person.get(row.person, [])} for row in people]
    show(content, as_json=as_json, lines=lambda: _lines(people, by_person))


async def _people(connection: Connection) -> tuple[list[PersonRow], list[QualificationRow]]:
    people = await PERSONS.load_page(connection, "ORDER BY person")
    return people, await QUALIFICATIONS.load_page(connection, "ORDER BY person, qualification")


def _lines(people: Sequence[PersonRow], held: dict[str, list[QualificationRow]]) -> list[str]:
    lines = []
    for row in people:
        names = ", ".join(
            f"{each.qualification} until {_date(each.valid_until_us)}" for each in held.get(row.person, [])
        )
        state = " (disabled)" if row.disabled else ""
        lines.append(f"{row.person}{state}: {', '.join(row.roles)}" + (f"; {names}" if names else ""))
    return lines or ["nobody yet; add a person with: cellwright user add BADGE --role operator"]


def _date(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1_000_000, UTC).date().isoformat()


async def _command(command: Command, *, as_json: bool, **place: Any) -> None:
    """Put one command before a gate of our own; it stands beside a running one."""
    plant, now, random = load_plant(find_plant(place["plant_name"])), open_clock(place["clock"]), SystemRandom()
    opened = await open_existing(place["data"], place["database_url"])
    async with opened as database, open_gate(database.url, plant, now) as gate:
        submission = Submission(
            source="cli", epoch=random.getrandbits(62), seq=1, time_us=now(), actor="cli", command=command
        )
        answer = await gate.submit(submission)
    if as_json:
        click.echo(to_json(answer))
    elif isinstance(answer, Refusal):
        click.echo("\n".join(refusal_lines(answer)), err=True)
    else:
        click.echo("recorded")
    sys.exit(EXIT_FAILED if isinstance(answer, Refusal) else 0)
