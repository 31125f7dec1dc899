"""The page of people: who is known, what they may do, and who can come in."""

from msgspec import Struct, structs

from cellwright.database.pool import borrow
from cellwright.rules.people import ROLES
from cellwright.views.resources import QUALIFICATIONS
from cellwright.web.access.permissions import Permission, permissions_of
from cellwright.web.access.roster import Person, read_roster
from cellwright.web.page import Page
from cellwright.web.question import Question


class Held(Struct, frozen=True):
    """A qualification and its last moment, in plant time (UTC us)."""

    qualification: str
    valid_until_us: int


class PersonRow(Person, frozen=True, kw_only=True):
    """A person with qualifications."""

    qualifications: tuple[Held, ...]


class Role(Struct, frozen=True):
    """A role and what it permits."""

    role: str
    permissions: tuple[str, ...]


class PeoplePage(Struct, frozen=True, kw_only=True):
    """Everybody, or the one person that was asked for; `wall_us` is the real time, in which people sign in."""

    people: tuple[PersonRow, ...]
    roles: tuple[Role, ...]
    wall_us: int


def all_roles() -> tuple[Role, ...]:
    """Return every role with what it permits beyond what everybody may."""
    always = permissions_of(())
    return tuple(Role(role, tuple(sorted(permissions_of((role,)) - always))) for role in ROLES)


async def _load(question: Question) -> PeoplePage:
    services, wanted = question.services, question.query.get("person")
    now_us = services.wall_us()
    async with borrow(services.pool) as connection:
        people = await read_roster(connection, now_us)
        qualifications = await QUALIFICATIONS.load_page(connection, "ORDER BY person, qualification")
    held: dict[str, list[Held]] = {}
    for each in qualifications:
        held.setdefault(each.person, []).append(Held(each.qualification, each.valid_until_us))
    rows = tuple(
        PersonRow(**structs.asdict(each), qualifications=tuple(held.get(each.person, ())))
        for each in people
        if wanted in (None, each.person)
    )
    return PeoplePage(people=rows, roles=all_roles(), wall_us=now_us)


PEOPLE = Page(
    name="people", path="/people", permission=Permission.PEOPLE_READ, load=_load, query=("person",), is_in_api=False
)
