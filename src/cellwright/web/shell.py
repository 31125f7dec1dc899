"""The shell of every page: navigation, title, language and theme, with the page's first data inlined."""

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from litestar import MediaType, Response
from markupsafe import Markup
from msgspec import Struct

from cellwright.web.access.permissions import Caller, Permission
from cellwright.web.modules import STATIC, modules_of
from cellwright.web.question import Asked
from cellwright.web.services import services_of

HERE = Path(__file__).parent
LANGUAGES = ("en", "zh")
THEMES = ("system", "light", "dark")


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
    Entry("formation", "/formation", Permission.PLANT_READ),
    Entry("grading", "/grading", Permission.PLANT_READ),
    Entry("matching", "/matching", Permission.PLANT_READ),
    Entry("refusals", "/refusals", Permission.PLANT_READ),
    Entry("holds", "/holds", Permission.PLANT_READ),
    Entry("commonality", "/commonality", Permission.PLANT_READ),
    Entry("recall", "/recall", Permission.PLANT_READ),
    Entry("plant", "/plant", Permission.PLANT_READ),
    Entry("audit", "/audit", Permission.AUDIT_READ),
    Entry("people", "/people", Permission.PEOPLE_READ),
)


def html_response(
    request: Asked, name: str, data: Any, *, params: Mapping[str, str] | None = None, status_code: int = 200
) -> Response[str]:
    """Return a page: the shell in the reader's language and theme, with its first data inlined."""
    services, caller = services_of(request), getattr(request.state, "caller", None)
    language, theme = language_of(request), _theme(request)
    messages = catalogue(language)
    title = messages.get(f"page.{name}", name)
    code = (params or {}).get("code", "")
    plant_name = name_word(services.plant.name, language)
    boot = {
        "page": name,
        "title": f"{code} - {title}" if code else title,
        "params": params or {},
        "data": data,
        "language": language,
        "theme": theme,
        "messages": messages,
        "user": _user(caller),
        "plant": {"code": services.plant.code, "name": plant_name} if caller else None,
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
            entries=_entries(caller),
            is_kiosk=request.query_params.get("kiosk") == "1",
            is_simulated=services.is_simulated,
            language=language,
            modules=modules_of(name),
            page=name,
            plant=services.plant if caller else None,
            plant_name=plant_name,
            release=release(),
            t=lambda key: messages.get(key, key),
            theme=theme,
            title=title,
        )
    )
    return Response(text, media_type=MediaType.HTML, status_code=status_code)


def _user(caller: Caller | None) -> dict[str, Any] | None:
    if caller is None:
        return None
    permissions = sorted(caller.permissions)
    return {"person": caller.person, "roles": caller.roles, "permissions": permissions, "csrf": caller.csrf}


def _entries(caller: Caller | None) -> list[Entry]:
    granted = caller.permissions if caller else frozenset()
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


def name_word(name: str, language: str) -> str:
    """Return the name of a plant or station as its files have it, in Chinese the catalogue's word for that name."""
    key = f"term.{re.sub('[^a-z0-9]+', '_', name.lower())}"
    return name if language == "en" else catalogue(language).get(key, name)


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


def language_of(request: Asked) -> str:
    """Return the language that a request asks for: by its address, its cookie or its browser."""
    asked = request.query_params.get("lang") or _cookies(request).get("cw_language")
    if asked in LANGUAGES:
        return asked
    return "zh" if request.headers.get("accept-language", "").lower().startswith("zh") else "en"


def _theme(request: Asked) -> str:
    asked = request.query_params.get("theme") or _cookies(request).get("cw_theme") or ""
    return asked if asked in THEMES else "system"
