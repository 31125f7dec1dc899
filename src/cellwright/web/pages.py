"""Pages: one address answers people as a page and programs as data."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from litestar import MediaType, Response, get
from litestar.handlers.base import BaseRouteHandler
from litestar.response import Redirect
from markupsafe import Markup
from msgspec import Struct

from cellwright.web.access.permissions import ObjectRule, Permission
from cellwright.web.question import Asked, Question, code_in_path, question_of
from cellwright.web.tables import MEDIA_TYPES, About, Table, facts_of, table_of, to_csv, to_parquet, to_xlsx

HERE = Path(__file__).parent
STATIC = HERE / "static"
LANGUAGES = ("en", "zh")
THEMES = ("system", "light", "dark")


class Page(Struct, frozen=True, kw_only=True):
    """A page: client module, address (ends in "/" when a code follows), who may see it, and what it shows."""

    name: str
    path: str
    permission: Permission
    load: Callable[[Question], Awaitable[Any]]
    tables: Callable[[Any], list[Table]] | None = None
    """How its data become tables, for exports; None = every list of records in it."""
    aliases: Mapping[str, str] = {}
    """Other addresses before a code ("/" at their end), and what stands before the code in the address they lead to."""
    elsewhere: Callable[[Any], str] | None = None
    """Where the data say that the reader wants to be instead, "" = here."""
    rule: ObjectRule = ObjectRule.SITE
    is_in_api: bool = True
    """Whether its data are in the API under its name; False = the API has its own words for them."""
    has_files: bool = True
    """Whether its data are to be had as files, by suffix."""


class Entry(Struct, frozen=True):
    """An entry of the navigation: its page, address and who sees it."""

    page: str
    path: str
    permission: Permission


NAVIGATION = (
    Entry("overview", "/", Permission.PLANT_READ),
    Entry("line", "/line", Permission.PLANT_READ),
    Entry("orders", "/orders", Permission.PLANT_READ),
    Entry("units", "/units", Permission.PLANT_READ),
    Entry("lots", "/lots", Permission.PLANT_READ),
    Entry("refusals", "/refusals", Permission.PLANT_READ),
    Entry("holds", "/holds", Permission.PLANT_READ),
    Entry("plant", "/plant", Permission.PLANT_READ),
    Entry("audit", "/audit", Permission.AUDIT_READ),
    Entry("people", "/people", Permission.PEOPLE_READ),
)


def page_handlers(page: Page) -> list[BaseRouteHandler]:
    """Return the route handlers of a page: itself, its data by suffix, and its entry in the API."""
    opt = {"permission": page.permission, "object_rule": page.rule}
    is_object = page.path != "/" and page.path.endswith("/")

    async def show(request: Asked) -> Response[Any]:
        code, suffix = code_in_path(request, page.path) if is_object else ("", "")
        return await _answer(request, page, code=code, suffix=suffix)

    async def ask(request: Asked) -> Response[Any]:
        code = code_in_path(request, f"/api/v1{page.path}")[0] if is_object else ""
        return await _answer(request, page, code=code, suffix="json")

    def exporter(suffix: str) -> Callable[[Asked], Awaitable[Response[Any]]]:
        async def export(request: Asked) -> Response[Any]:
            return await _answer(request, page, code="", suffix=suffix)

        return export

    name = page.path.rstrip("/") or f"/{page.name}"
    tail = "/{code:path}" if is_object else ""
    shown = page.path.rstrip("/") + tail or "/"
    handlers: list[BaseRouteHandler] = [get(shown, opt=opt, include_in_schema=False, name=f"page {page.name}")(show)]
    if page.is_in_api:
        summary = f"Data of page {page.name}"
        handlers.append(get(f"/api/v1{name}{tail}", opt=opt, operation_id=f"read_{page.name}", summary=summary)(ask))
    if page.has_files and not is_object:
        handlers.extend(
            get(f"{name}.{suffix}", opt=opt, operation_id=f"export_{page.name}_{suffix}")(exporter(suffix))
            for suffix in MEDIA_TYPES
        )
    return [*handlers, *(_alias_handler(page, *alias) for alias in page.aliases.items())]


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
    tables = _wanted(page.tables(data) if page.tables else tables_in(page.name, data), question.query.get("table"))
    content = _export(suffix, tables, question, request)
    headers = {"content-disposition": f'attachment; filename="{_file_name(page.name, code)}.{suffix}"'}
    return Response(content, media_type=MEDIA_TYPES[suffix], headers=headers)


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


def _export(suffix: str, tables: list[Table], question: Question, request: Asked) -> bytes:
    if suffix == "csv":
        return to_csv(tables[0], for_people=question.query.get("bom") != "0")
    if suffix == "parquet":
        return to_parquet(tables[0])
    services, caller = question.services, question.caller
    person = caller.person if caller else ""
    return to_xlsx(tables, About(str(request.url), services.plant.code, person, services.wall_us()))


def _file_name(name: str, code: str) -> str:
    plain = "".join(each if each.isascii() and (each.isalnum() or each in "-_") else "_" for each in code)
    return f"{name}-{plain[:40]}" if plain else name


# --- the shell ------------------------------------------------------------------------------


def html_response(
    request: Asked, name: str, data: Any, *, params: Mapping[str, str] | None = None, status_code: int = 200
) -> Response[str]:
    """Return a page: the shell in the reader's language and theme, with its first data inlined."""
    question = question_of(request)
    services, caller = question.services, question.caller
    language, theme = _language(request), _theme(request)
    messages = catalogue(language)
    title = messages.get(f"page.{name}", name)
    code = (params or {}).get("code", "")
    boot = {
        "page": name,
        "title": f"{code} - {title}" if code else title,
        "params": params or {},
        "data": data,
        "language": language,
        "theme": theme,
        "messages": messages,
        "user": _user(caller),
        "plant": {"code": services.plant.code, "name": services.plant.name} if caller else None,
        "release": release(),
        "now_us": services.clock(),
        "is_simulated": services.is_simulated,
        "path": request.url.path,
    }
    text = (
        _environment()
        .get_template("shell.html")
        .render(
            boot=Markup(_inline(boot)),  # noqa: S704 - nothing in it can end the element
            code=code,
            entries=_entries(question),
            is_kiosk=question.query.get("kiosk") == "1",
            is_simulated=services.is_simulated,
            language=language,
            page=name,
            plant=services.plant if caller else None,
            release=release(),
            t=lambda key: messages.get(key, key),
            theme=theme,
            title=title,
        )
    )
    return Response(text, media_type=MediaType.HTML, status_code=status_code)


def _user(caller: Any) -> dict[str, Any] | None:
    if caller is None:
        return None
    permissions = sorted(caller.permissions)
    return {"person": caller.person, "roles": caller.roles, "permissions": permissions, "csrf": caller.csrf}


def _entries(question: Question) -> list[Entry]:
    granted = question.caller.permissions if question.caller else frozenset()
    return [each for each in NAVIGATION if each.permission in granted]


def _inline(content: Any) -> str:
    """Return JSON that may stand inside a script element: no character in it can end or open one."""
    text = msgspec.json.encode(content).decode()
    return (
        text.replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )


@cache
def _environment() -> Environment:
    loader = FileSystemLoader(HERE / "templates")
    return Environment(loader=loader, autoescape=select_autoescape(("html",)), undefined=StrictUndefined)


@cache
def catalogue(language: str) -> dict[str, str]:
    """Return the messages of a language by key."""
    return msgspec.json.decode((STATIC / "i18n" / f"{language}.json").read_bytes(), type=dict[str, str])


@cache
def release() -> str:
    """Return the name of this release of the client: a digest of all its files."""
    digest = hashlib.sha256()
    for path in sorted(each for each in STATIC.rglob("*") if each.is_file()):
        digest.update(path.relative_to(STATIC).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def _cookies(request: Asked) -> Mapping[str, str]:
    try:
        return {key: each.value for key, each in SimpleCookie(request.headers.get("cookie", "")).items()}
    except CookieError:
        return {}


def _language(request: Asked) -> str:
    asked = request.query_params.get("lang") or _cookies(request).get("cw_language")
    if asked in LANGUAGES:
        return asked
    return "zh" if request.headers.get("accept-language", "").lower().startswith("zh") else "en"


def _theme(request: Asked) -> str:
    asked = request.query_params.get("theme") or _cookies(request).get("cw_theme") or ""
    return asked if asked in THEMES else "system"


def plain_page(name: str, path: str, permission: Permission = Permission.PUBLIC) -> Page:
    """Return a page that has no data of its own."""

    async def load(_: Question) -> dict[str, Any]:
        return {}

    return Page(name=name, path=path, permission=permission, load=load)
