"""Search: what a scanned, pasted or typed text names, or what begins like it."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct, structs

from cellwright.database.pool import Connection, borrow
from cellwright.model.plant import Plant
from cellwright.views.finding import Match, find_begun, find_exactly, has_person
from cellwright.views.units import UnitFilter, list_units
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.pages.links import path_of
from cellwright.web.pages.scanned import candidates
from cellwright.web.question import Question
from cellwright.web.tables import Table, table_of

_LISTED_MAX = 20
_BEGIN_LENGTH = 2
"""Shorter texts begin too much to be a help."""


class Hit(Struct, frozen=True, kw_only=True):
    """A thing that was found, and the address of its page."""

    kind: str
    code: str
    about: str
    status: str
    path: str


class SearchData(Struct, frozen=True, kw_only=True):
    """What was asked, what was tried, what was found."""

    query: str
    tried: tuple[str, ...]
    is_exact: bool
    """Whether the hits have the code itself; else they only begin like it, or hold it in their name."""
    hits: tuple[Hit, ...]


async def _load(question: Question) -> SearchData:
    query = question.query.get("q", "")
    tried = candidates(query)
    async with borrow(question.services.pool) as connection:
        exact = await _exact(connection, question, tried)
        found = exact or (await _begun(connection, question, tried[0]) if tried else [])
    return SearchData(
        query="".join(each for each in query[:200] if each.isprintable()),
        tried=tried,
        is_exact=bool(exact),
        hits=tuple(_hit(match) for match in found),
    )


def _hit(match: Match) -> Hit:
    return Hit(**structs.asdict(match), path=path_of(match.kind, match.code))


async def _exact(connection: Connection, question: Question, tried: Sequence[str]) -> list[Match]:
    """Return everything that the likeliest of the codes names, of those that name anything."""
    matches = [*await find_exactly(connection, tried), *_named(question.services.plant, set(tried))]
    if question.caller and Permission.PEOPLE_MANAGE in question.caller.permissions:
        matches += [Match(kind="person", code=code) for code in tried if await has_person(connection, code)]
    for code in tried:
        if named := [match for match in matches if match.code.upper() == code.upper()]:
            return named
    return []


async def _begun(connection: Connection, question: Question, text: str) -> list[Match]:
    if len(text) < _BEGIN_LENGTH:
        return []
    units = await list_units(connection, UnitFilter(text=text), limit=_LISTED_MAX)
    return [
        *await find_begun(connection, text, _LISTED_MAX),
        *(Match(kind=each.kind, code=each.code, about=each.product, status=each.status) for each in units.units),
        *(each for each in _things(question.services.plant) if _is_like(each, text.casefold())),
    ]


def _is_like(match: Match, text: str) -> bool:
    return match.code.casefold().startswith(text) or text in match.about.casefold()


def _named(plant: Plant, codes: Iterable[str]) -> list[Match]:
    wanted = {code.casefold() for code in codes}
    return [each for each in _things(plant) if each.code.casefold() in wanted]


def _things(plant: Plant) -> Iterator[Match]:
    """Yield what the plant's files name."""
    operations = [
        *plant.lot_operations.values(),
        *(each for route in plant.routes.values() for each in route.operations),
    ]
    yield from (Match(kind="station", code=each.code, about=each.name) for each in plant.stations.values())
    yield from (Match(kind="operation", code=each.code, about=each.name) for each in operations)
    yield from (Match(kind="material", code=each.code, about=each.name) for each in plant.materials.values())
    yield from (Match(kind="product", code=each.code, about=each.name) for each in plant.products.values())


def _elsewhere(data: SearchData) -> str:
    return data.hits[0].path if data.is_exact and len(data.hits) == 1 else ""


def _tables(data: SearchData) -> list[Table]:
    return [table_of("hits", Hit, data.hits)]


SEARCH = Page(
    name="search",
    path="/search",
    permission=Permission.PLANT_READ,
    load=_load,
    query=("q",),
    tables=_tables,
    elsewhere=_elsewhere,
    aliases={"/s/": "/search?q="},
)
