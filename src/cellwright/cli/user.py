"""`cellwright user`: people by badge code, their roles and qualifications."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import Any

import click
import msgspec

from cellwright.cli.access import open_ground
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
    refusal_lines,
    show,
    to_json,
    wall_us,
)
from cellwright.cli.main import EXIT_FAILED
from cellwright.database.pool import Connection
from cellwright.model.answers import Refusal
from cellwright.model.commands import AddPerson, Command, DisablePerson, QualifyPerson, Submission
from cellwright.plant.config import find_plant, load_plant
from cellwright.plant.runtime import open_gate
from cellwright.rules.people import ROLES
from cellwright.rules.state import QualificationRow
from cellwright.views.resources import QUALIFICATIONS
from cellwright.web.access.ground import AccessRefusedError, Ground
from cellwright.web.access.links import Links, Purpose, link_path
from cellwright.web.access.permissions import GRANTABLE
from cellwright.web.access.roster import Person, read_roster
from cellwright.web.access.tokens import DAYS_MAX, Tokens, TokenWish

_ADDRESS = "http://127.0.0.1:8640"

address_option = click.option(
    "--address", default=_ADDRESS, show_default=True, metavar="ADDRESS", help="Address of the pages, for links."
)


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
@address_option
@_place
@coroutine
async def add(person: str, roles: tuple[str, ...], *, address: str, as_json: bool, **place: Any) -> None:
    """Make PERSON known, or give PERSON other roles. Prints an invitation while PERSON has no account."""

    async def invite(ground: Ground) -> dict[str, str]:
        async with ground.reading() as connection:
            if await connection.fetchval("SELECT true FROM account WHERE person = $1", person):
                return {}
        _, token = await Links(ground).make_for(person, local_author())
        return {"link": _link(address, token)}

    await _command(AddPerson(person=person, roles=roles), invite, as_json=as_json, **place)


@user.command()
@click.argument("person")
@_place
@coroutine
async def disable(person: str, *, as_json: bool, **place: Any) -> None:
    """PERSON may act no more: sessions, links and API tokens end at once."""
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
    """List people with roles, qualifications and accounts."""
    people, held = await ask(data, database_url, _people)
    by_person: dict[str, list[QualificationRow]] = {}
    for each in held:
        by_person.setdefault(each.person, []).append(each)
    content = [{"person": row, "qualifications": by_person.get(row.person, [])} for row in people]
    show(content, as_json=as_json, lines=lambda: _lines(people, by_person))


async def _people(connection: Connection) -> tuple[list[Person], list[QualificationRow]]:
    people = await read_roster(connection, wall_us())
    return people, await QUALIFICATIONS.load_page(connection, "ORDER BY person, qualification")


def _lines(people: Sequence[Person], held: dict[str, list[QualificationRow]]) -> list[str]:
    lines = []
    for row in people:
        names = ", ".join(
            f"{each.qualification} until {_date(each.valid_until_us)}" for each in held.get(row.person, [])
        )
        state = " (disabled)" if row.disabled else "" if row.has_account else " (no account)"
        lines.append(f"{row.person}{state}: {', '.join(row.roles)}" + (f"; {names}" if names else ""))
    return lines or ["nobody yet; add a person with: cellwright user add BADGE --role operator"]


def _date(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1_000_000, UTC).date().isoformat()


@user.command()
@click.argument("person", required=False)
@click.option("--sign-in", "is_sign_in", is_flag=True, help="A link that signs PERSON in without a password.")
@address_option
@data_option
@database_option
@json_option
@coroutine
async def link(
    person: str | None,
    *,
    is_sign_in: bool,
    address: str,
    data: Path | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Print a one-time link for PERSON: an invitation, or to set a new password. The link before it ends.

    Without PERSON: the link with which the first admin sets up the plant, while there is none.
    """
    if is_sign_in and person is None:
        raise click.UsageError("--sign-in takes a PERSON")
    async with await open_existing(data, database_url) as database, open_ground(database.url) as ground:
        links, author = Links(ground), local_author()
        if person is not None and is_sign_in:
            purpose, token = Purpose.SIGN_IN, await links.make_sign_in(person, author)
        elif person is not None:
            purpose, token = await links.make_for(person, author)
        elif await links.has_admin():
            raise AccessRefusedError("this plant has an admin already; name a PERSON", 409)
        else:
            purpose, token = Purpose.SET_UP, await links.make(Purpose.SET_UP, "", author)
    content = {"purpose": purpose, "link": _link(address, token)}
    show(content, as_json=as_json, lines=lambda: [content["link"]])


@user.command()
@click.argument("person")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(sorted(each.value for each in GRANTABLE)),
    help="A permission of PERSON that the token has.",
)
@click.option("--days", type=click.IntRange(1, DAYS_MAX), default=90, show_default=True, help="How long it lives.")
@click.option("--name", default="command line", show_default=True, help="By which PERSON will know it again.")
@data_option
@database_option
@json_option
@coroutine
async def token(
    person: str,
    *,
    scopes: tuple[str, ...],
    days: int,
    name: str,
    data: Path | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Make an API token of PERSON and print it, this once."""
    wish = TokenWish(name=name, scopes=scopes, days=days)
    async with await open_existing(data, database_url) as database, open_ground(database.url) as ground:
        try:
            made, text = await Tokens(ground).make(person, wish, local_author())
        except AccessRefusedError as error:
            click.echo("\n".join([f"refused: {error}", *(f"         {each}" for _, each in error.fields)]), err=True)
            sys.exit(EXIT_FAILED)
    show({"token": made, "text": text}, as_json=as_json, lines=lambda: [text])


def _link(address: str, token: str) -> str:
    return address.rstrip("/") + link_path(token)


async def _nothing(_: Ground) -> dict[str, str]:
    return {}


async def _command(
    command: Command,
    further: Callable[[Ground], Awaitable[dict[str, str]]] = _nothing,
    *,
    as_json: bool,
    **place: Any,
) -> None:
    """Put one command before a gate of our own, which stands beside a running one; then do what else is to be done."""
    plant, now, random = load_plant(find_plant(place["plant_name"])), open_clock(place["clock"]), SystemRandom()
    opened, more = await open_existing(place["data"], place["database_url"]), dict[str, str]()
    async with opened as database:
        async with open_gate(database.url, plant, now) as gate:
            submission = Submission(
                source="cli", epoch=random.getrandbits(62), seq=1, time_us=now(), actor="cli", command=command
            )
            answer = await gate.submit(submission, local_author())
        if not isinstance(answer, Refusal):
            async with open_ground(database.url) as ground:
                more = await further(ground)
    if as_json:
        click.echo(to_json({**msgspec.to_builtins(answer), **more}))
    elif isinstance(answer, Refusal):
        click.echo("\n".join(refusal_lines(answer)), err=True)
    else:
        click.echo("\n".join(["recorded", *more.values()]))
    sys.exit(EXIT_FAILED if isinstance(answer, Refusal) else 0)
