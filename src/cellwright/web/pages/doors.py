"""The doors: the page on which people sign in, and the page of one-time links."""

from http import HTTPStatus
from typing import Any

from litestar import Response, get
from litestar.handlers.base import BaseRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Struct

from cellwright.web.access.guard import access_of
from cellwright.web.access.links import LinkRefusedError
from cellwright.web.access.passwords import DIFFERENT_MIN, LENGTH_MAX, LENGTH_MIN
from cellwright.web.access.permissions import ObjectRule, Permission
from cellwright.web.question import Asked, question_of
from cellwright.web.shell import html_response

_NEXT_LENGTH_MAX = 2000


class PasswordRules(Struct, frozen=True):
    """What a page can check of a password while it is typed; well-known words are known to the server alone."""

    length_min: int = LENGTH_MIN
    length_max: int = LENGTH_MAX
    different_min: int = DIFFERENT_MIN


class SignInPage(Struct, frozen=True):
    """Where to go after signing in: a path of this server."""

    next: str


class SetUpPage(Struct, frozen=True, kw_only=True):
    """A one-time link: its purpose ("" = it is not valid), its person ("" = name yourself), how long it lives (us)."""

    purpose: str = ""
    person: str = ""
    left_us: int = 0
    rules: PasswordRules = PasswordRules()


def own_path(text: str) -> str:
    """Return a path of this server from an address that anybody may have written; "/" for everything else.

    Browsers read a backslash as a slash and leave out control characters, so neither may stand in it.
    """
    is_own = text.startswith("/") and not text.startswith("//") and len(text) <= _NEXT_LENGTH_MAX
    return text if is_own and text.isprintable() and not set("\\ ") & set(text) else "/"


def _opt(rule: ObjectRule) -> dict[str, Any]:
    return {"permission": Permission.PUBLIC, "object_rule": rule}


@get("/sign-in", opt=_opt(ObjectRule.NONE), include_in_schema=False)
async def show_sign_in(request: Asked) -> Response[Any]:
    """Show the page to sign in; who is in already goes on."""
    question = question_of(request)
    place = own_path(question.query.get("next", "/"))
    if question.caller is not None:
        return Redirect(place, status_code=303)
    return html_response(request, "sign_in", SignInPage(place))


@get("/set-up/{token:str}", opt=_opt(ObjectRule.OWN), include_in_schema=False)
async def show_set_up(request: Asked, token: FromPath[str]) -> Response[Any]:
    """Show what a one-time link is for. Nothing is used up: whoever previews links may look."""
    access = access_of(request)
    try:
        link = await access.links.find(token)
    except LinkRefusedError:
        return html_response(request, "set_up", SetUpPage(), status_code=HTTPStatus.NOT_FOUND)
    left_us = link.expires_us - access.ground.wall_us()
    return html_response(request, "set_up", SetUpPage(purpose=link.purpose, person=link.person, left_us=left_us))


ROUTES: list[BaseRouteHandler] = [show_sign_in, show_set_up]
"""Every route of the doors."""
