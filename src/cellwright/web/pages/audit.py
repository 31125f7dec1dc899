"""The page of the audit trail: who changed what, newest first, and whether the trail is whole."""

from collections.abc import Mapping

from litestar.exceptions import ClientException
from msgspec import Struct

from cellwright.database.pool import Connection, borrow
from cellwright.journal.trail import TrailEntry, TrailFilter, read_audit
from cellwright.web.access.chain import ChainState
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.question import Question, asked_us
from cellwright.web.tables import Table, table_of

_PAGE = 500


class AuditPage(Struct, frozen=True, kw_only=True):
    """Entries as wanted, `next` continues them ("" = these were the last); the state of the chain."""

    entries: tuple[TrailEntry, ...]
    next: str
    wanted: TrailFilter
    chain: ChainState


async def _load(question: Question) -> AuditPage:
    services, wanted, limit = question.services, _wanted(question.query), question.limit
    async with borrow(services.pool) as connection:
        try:
            entries = await _read(connection, question.query.get("before", ""), count=limit + 1, wanted=wanted)
        except ValueError as error:
            raise ClientException(f"before: {error}") from error
    more = entries[limit - 1].key if len(entries) > limit else ""
    chain = await services.access.chain.state()
    return AuditPage(entries=tuple(entries[:limit]), next=more, wanted=wanted, chain=chain)


async def _read(connection: Connection, before: str, *, count: int, wanted: TrailFilter) -> list[TrailEntry]:
    entries: list[TrailEntry] = []
    while len(entries) < count:
        size = min(_PAGE, count - len(entries))
        page = await read_audit(connection, before, limit=size, wanted=wanted)
        entries.extend(page)
        if len(page) < size:
            break
        before = page[-1].key
    return entries


def _wanted(query: Mapping[str, str]) -> TrailFilter:
    return TrailFilter(
        actor=query.get("person", ""),
        action=query.get("action", ""),
        object=query.get("object", ""),
        from_us=asked_us("from", query),
        to_us=asked_us("to", query),
    )


def _tables(page: AuditPage) -> list[Table]:
    return [table_of("audit", TrailEntry, page.entries)]


AUDIT = Page(
    name="audit",
    path="/audit",
    permission=Permission.AUDIT_READ,
    load=_load,
    query=("person", "action", "object", "from", "to", "before", "limit"),
    tables=_tables,
    has_noted_files=True,
)
