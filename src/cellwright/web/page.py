"""Pages: one address answers people as a page and programs as data."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final, get_type_hints
from urllib.parse import quote, unquote

from litestar import MediaType, Response, get
from litestar.handlers.base import BaseRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Struct

from cellwright.web.access.guard import access_of, author_of
from cellwright.web.access.permissions import ObjectRule, Permission
from cellwright.web.described import asking
from cellwright.web.problems import NotFoundError
from cellwright.web.question import Asked, Question, code_in_path, question_of, sent_path, whole_code
from cellwright.web.shell import html_response
from cellwright.web.streams import STREAMED, Portions, stream_of
from cellwright.web.tables import MEDIA_TYPES, About, Table, facts_of, table_of, to_csv, to_parquet, to_xlsx

_OF_FILES: Final = ("limit", "table", "bom")


class Page(Struct, frozen=True, kw_only=True):
    """A page: client module, address (ends in "/" when a code follows), who may see it, and what it shows."""

    name: str
    path: str
    permission: Permission
    load: Callable[[Question], Awaitable[Any]]
    tables: Callable[[Any], list[Table]] | None = None
    """How its data become tables, for exports; None = every list of records in it."""
    query: tuple[str, ...] = ()
    """What its address may say behind the question mark; files also know `limit`, `table` and `bom`."""
    aliases: Mapping[str, str] = {}
    """Other addresses before a code ("/" at their end), and what stands before the code in the address they lead to."""
    elsewhere: Callable[[Any], str] | None = None
    """Where the data say that the reader wants to be instead, "" = here."""
    streams: Mapping[str, Callable[[Question], Awaitable[Portions]]] = {}
    """Long files of an object, by the name that stands behind its code: `/units.csv`."""
    papers: Mapping[str, Callable[[Asked, Question], Awaitable[Response[Any]]]] = {}
    """Documents of an object, by the name that stands behind its code: `/certificate`, `/certificate.pdf`."""
    beside: Mapping[str, str] = {}
    """Other pages of an object, by the name behind its code (`/stations/W-1/work`): what stands before the code there."""
    rule: ObjectRule = ObjectRule.SITE
    is_in_api: bool = True
    """Whether its data are in the API under its name; False = the API has its own words for them."""
    has_files: bool = True
    """Whether its data are to be had as files, by suffix."""
    has_noted_files: bool = False
    """Whether the audit trail keeps who took a file along."""


def page_handlers(page: Page) -> list[BaseRouteHandler]:
    """Return the route handlers of a page: itself, its data by suffix, and its entry in the API."""
    opt = {"permission": page.permission, "object_rule": page.rule}
    is_object = page.path != "/" and page.path.endswith("/")

    async def show(request: Asked) -> Response[Any]:
        behind = await _behind(request, page)
        if behind is not None:
            return behind
        code, suffix = code_in_path(request, page.path) if is_object else ("", "")
        return await _answer(request, page, code=code, suffix=suffix)

    def exporter(suffix: str) -> Callable[[Asked], Awaitable[Response[Any]]]:
        async def export(request: Asked) -> Response[Any]:
            return await _answer(request, page, code="", suffix=suffix)

        return export

    name = page.path.rstrip("/") or f"/{page.name}"
    tail = "/{code:path}" if is_object else ""
    shown = page.path.rstrip("/") + tail or "/"
    handlers: list[BaseRouteHandler] = [get(shown, opt=opt, include_in_schema=False, name=f"page {page.name}")(show)]
    if page.is_in_api:
        read = _object_reader(page) if is_object else _reader(page)
        path, summary = f"/api/v1{name}{tail}", f"Data of page {page.name}"
        handlers.append(
            get(path, opt=opt, operation_id=f"read_{page.name}", operation_class=asking(page.query), summary=summary)(
                read
            )
        )
    if page.has_files and not is_object:
        described = asking((*page.query, *_OF_FILES))
        handlers.extend(
            get(f"{name}.{suffix}", opt=opt, operation_class=described, operation_id=f"export_{page.name}_{suffix}")(
                exporter(suffix)
            )
            for suffix in MEDIA_TYPES
        )
    return [*handlers, *(_alias_handler(page, *alias) for alias in page.aliases.items())]


def _reader(page: Page) -> Callable[..., Awaitable[Any]]:
    """Return what answers with a page's data, typed by its loader."""

    async def read(request: Asked) -> Any:
        return await page.load(question_of(request, "", "json"))

    read.__annotations__["return"] = get_type_hints(page.load)["return"]
    return read


def _object_reader(page: Page) -> Callable[..., Awaitable[Any]]:
    """Return what answers with the data of one object, typed by its loader."""

    async def read(request: Asked, code: FromPath[Path]) -> Any:
        del code  # taken as it was sent: it may hold slashes
        return await page.load(question_of(request, code_in_path(request, f"/api/v1{page.path}")[0], "json"))

    read.__annotations__["return"] = get_type_hints(page.load)["return"]
    return read


def _moved(request: Asked, path: str) -> Redirect:
    """Lead on to another address, with the rest of what was asked."""
    query = request.scope.get("query_string", b"").decode("ascii", "replace")
    return Redirect(f"{path}?{query}".rstrip("?"), status_code=303)


def _alias_handler(page: Page, alias: str, target: str) -> BaseRouteHandler:
    async def move(request: Asked) -> Redirect:
        path, _, query = (request.scope.get("raw_path") or b"").decode("ascii", "replace").partition("?")
        query = query or request.scope.get("query_string", b"").decode("ascii", "replace")
        code = quote(unquote(path.removeprefix(alias)), safe="")
        return Redirect(f"{target}{code}{'&' if '?' in target else '?'}{query}".rstrip("?&"), status_code=303)

    opt = {"permission": page.permission, "object_rule": ObjectRule.SITE}
    return get(f"{alias}{{code:path}}", opt=opt, include_in_schema=False, name=f"alias {alias}")(move)


async def _answer(request: Asked, page: Page, *, code: str, suffix: str) -> Response[Any]:
    question = question_of(request, code, suffix)
    data = await page.load(question)
    if not suffix and page.elsewhere and (path := page.elsewhere(data)):
        return Redirect(path, status_code=303)
    if not suffix:
        return html_response(request, page.name, data, params={"code": code} if code else {})
    if suffix == "json":
        return Response(data, media_type=MediaType.JSON)
    about = _about(question, request)
    if page.has_noted_files:
        async with access_of(request).ground.changing(author_of(request)) as change:
            change.note("file_taken", f"{page.name}.{suffix}", new=dict(question.query))
    async with question.services.exporting:
        content = await asyncio.to_thread(_export, page, data, question, about)
    headers = {"content-disposition": f'attachment; filename="{_file_name(page.name, code)}.{suffix}"'}
    return Response(content, media_type=MEDIA_TYPES[suffix], headers=headers)


async def _behind(request: Asked, page: Page) -> Response[Any] | None:
    """Return what stands behind the code of an object: a long file, a document, another page; None = the object itself."""
    stem, _, file = sent_path(request).removeprefix(page.path).rpartition("/")
    name, _, suffix = file.partition(".")
    if stem and name in page.streams:
        return await _stream(request, page, stem=stem, file=file)
    if stem and name in page.papers:
        return await page.papers[name](request, question_of(request, whole_code(stem), suffix))
    if stem and file in page.beside:
        return _moved(request, f"{page.beside[file]}{stem}")
    return None


async def _stream(request: Asked, page: Page, *, stem: str, file: str) -> Response[Any]:
    """Return a long file of an object."""
    name, _, suffix = file.partition(".")
    if suffix not in STREAMED:
        raise NotFoundError(
            f"{file[:40]!r} is no file of this; take {' or '.join(f'{name}.{each}' for each in STREAMED)}"
        )
    question = question_of(request, whole_code(stem), suffix)
    records = await page.streams[name](question)
    return stream_of(records, question, f"{_file_name(name, question.code)}.{suffix}")


def _wanted(tables: list[Table], name: str | None) -> list[Table]:
    """Return tables with the one that `?table=` names first: what holds only one table, holds that."""
    return sorted(tables, key=lambda table: table.name != name)


def tables_in(name: str, data: Any) -> list[Table]:
    """Return every list of records in a page's data as a table; an object comes first, as its paths and values."""
    tables = []
    for field in getattr(data, "__struct_fields__", ()):
        value = getattr(data, field)
        if isinstance(value, list | tuple) and value and isinstance(value[0], Struct):
            tables.append(table_of(field, type(value[0]), value))
    return tables or [facts_of(name, data)]


def _about(question: Question, request: Asked) -> About:
    services, caller = question.services, question.caller
    return About(str(request.url), services.plant.code, caller.person if caller else "", services.wall_us())


def _export(page: Page, data: Any, question: Question, about: About) -> bytes:
    """Return a file; it takes seconds when it is large, so the server goes on in the meantime."""
    tables = _wanted(page.tables(data) if page.tables else tables_in(page.name, data), question.query.get("table"))
    if question.suffix == "csv":
        return to_csv(tables[0], for_people=question.query.get("bom") != "0")
    return to_parquet(tables[0]) if question.suffix == "parquet" else to_xlsx(tables, about)


def _file_name(name: str, code: str) -> str:
    plain = "".join(each if each.isascii() and (each.isalnum() or each in "-_") else "_" for each in code)
    return f"{name}-{plain[:40]}" if plain else name


def plain_page(name: str, path: str, permission: Permission = Permission.PUBLIC) -> Page:
    """Return a page that has no data of its own."""

    async def load(_: Question) -> dict[str, Any]:
        return {}

    return Page(name=name, path=path, permission=permission, load=load, is_in_api=False, has_files=False)
