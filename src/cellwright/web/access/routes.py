"""The API of access: signing in and out, one's own password, sessions and tokens, and people."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.handlers.base import BaseRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from cellwright.model.wire import Code
from cellwright.web.access.accounts import Credentials
from cellwright.web.access.ground import AccessRefusedError
from cellwright.web.access.guard import access_of, author_of, cookie_name, is_secure, session_id_of
from cellwright.web.access.links import link_path
from cellwright.web.access.permissions import Caller, ObjectRule, Permission
from cellwright.web.access.roster import Person
from cellwright.web.access.sessions import Browser, Session
from cellwright.web.access.tokens import ApiToken, TokenWish
from cellwright.web.problems import NotFoundError, Problem, problem_response

Asked = Request[Any, Any, Any]

Secret = Annotated[str, Meta(min_length=1, max_length=1000)]
"""A password as typed; whether it is good enough is told in sentences."""
Roles = Annotated[tuple[Code, ...], Meta(min_length=1, max_length=20)]
Badge = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]


class SetUp(Struct, frozen=True, forbid_unknown_fields=True):
    """A password for the person of a one-time link; the first admin also names a badge code."""

    password: Secret
    person: Code = ""


class SignIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Who signs in."""

    person: Badge
    password: Secret


class NewPassword(Struct, frozen=True, forbid_unknown_fields=True):
    """The password there is and the one there shall be."""

    old: Secret
    new: Secret


class NewToken(Struct, frozen=True, forbid_unknown_fields=True):
    """A wished API token; `scopes` are permissions of one's own."""

    name: Annotated[str, Meta(min_length=1, max_length=80)]
    scopes: Annotated[tuple[Code, ...], Meta(min_length=1, max_length=40)]
    days: Annotated[int, Meta(ge=1, le=365)] = 90


class PersonRoles(Struct, frozen=True, forbid_unknown_fields=True):
    """A person and the roles that the person shall have."""

    person: Badge
    roles: Roles


class PersonNamed(Struct, frozen=True, forbid_unknown_fields=True):
    """A person."""

    person: Badge


class Me(Struct, frozen=True, kw_only=True):
    """Who the caller is. `csrf` goes into the header X-CSRF-Token of every change; "" with an API token."""

    person: str
    roles: tuple[str, ...]
    permissions: tuple[str, ...]
    csrf: str


class LinkInfo(Struct, frozen=True):
    """What a one-time link is for: `person` "" = name yourself; the last moment to use it (UTC us)."""

    purpose: str
    person: str
    expires_us: int


class FreshToken(Struct, frozen=True):
    """A new API token; `text` is shown this once."""

    token: ApiToken
    text: str


class Invitation(Struct, frozen=True):
    """The path of a one-time link, to be given to its person, and the last moment to use it (UTC us)."""

    path: str
    expires_us: int


def _opt(permission: Permission, rule: ObjectRule = ObjectRule.NONE) -> dict[str, Any]:
    return {"permission": permission, "object_rule": rule}


# --- coming and going -------------------------------------------------------------------------------


@get("/api/v1/set-up/{token:str}", opt=_opt(Permission.PUBLIC, ObjectRule.OWN), summary="What a one-time link is for")
async def read_link(request: Asked, token: FromPath[str]) -> LinkInfo:
    """Return what a link is for, while it may be used."""
    link = await access_of(request).links.find(token)
    return LinkInfo(link.purpose, link.person, link.expires_us)


@post(
    "/api/v1/set-up/{token:str}",
    opt=_opt(Permission.PUBLIC, ObjectRule.OWN),
    status_code=200,
    summary="Use a one-time link: set a password and sign in",
)
async def set_up(request: Asked, token: FromPath[str], data: JSONBody[SetUp]) -> Response[Me]:
    """Set the password of a link's person and sign in."""
    wanted, browser = Credentials(data.person, data.password), _browser(request)
    session_id = await access_of(request).accounts.use_link(token, wanted, author=author_of(request), browser=browser)
    return await _signed_in(request, session_id)


@post(
    "/api/v1/set-up/{token:str}/enter",
    opt=_opt(Permission.PUBLIC, ObjectRule.OWN),
    status_code=200,
    summary="Use a one-time link that signs in without a password",
)
async def enter(request: Asked, token: FromPath[str]) -> Response[Me]:
    """Sign in by a link that was made for it."""
    accounts = access_of(request).accounts
    session_id = await accounts.enter(token, author=author_of(request), browser=_browser(request))
    return await _signed_in(request, session_id)


@post("/api/v1/sign-in", opt=_opt(Permission.PUBLIC), status_code=200, summary="Sign in")
async def sign_in(request: Asked, data: JSONBody[SignIn]) -> Response[Me]:
    """Open a session."""
    given, browser = Credentials(data.person, data.password), _browser(request)
    session_id = await access_of(request).accounts.sign_in(given, author=author_of(request), browser=browser)
    return await _signed_in(request, session_id)


@post("/api/v1/sign-out", opt=_opt(Permission.ACCOUNT, ObjectRule.OWN), status_code=204, summary="Sign out")
async def sign_out(request: Asked) -> Response[None]:
    """End this session."""
    caller = _caller(request)
    await access_of(request).sessions.end(caller.person, caller.session, author_of(request))
    return Response(None, cookies=[_cookie(request, "", max_age=0)], status_code=204)


@get("/api/v1/me", opt=_opt(Permission.SELF, ObjectRule.OWN), summary="Who am I, and what may I")
async def read_me(request: Asked) -> Me:
    """Return the caller."""
    return _me(_caller(request))


@post(
    "/api/v1/me/password", opt=_opt(Permission.ACCOUNT, ObjectRule.OWN), status_code=200, summary="Change my password"
)
async def change_password(request: Asked, data: JSONBody[NewPassword]) -> Response[Me]:
    """Change one's password: every session ends, this browser gets a new one."""
    given, browser = Credentials(_caller(request).person, data.old), _browser(request)
    accounts = access_of(request).accounts
    session_id = await accounts.change_password(given, data.new, author=author_of(request), browser=browser)
    return await _signed_in(request, session_id)


# --- one's own sessions and tokens --------------------------------------------------------------------


@get("/api/v1/me/sessions", opt=_opt(Permission.ACCOUNT, ObjectRule.OWN), summary="My sessions")
async def list_sessions(request: Asked) -> list[Session]:
    """Return one's living sessions."""
    caller = _caller(request)
    return await access_of(request).sessions.list(caller.person, caller.session)


@post(
    "/api/v1/me/sessions/{number:int}/end",
    opt=_opt(Permission.ACCOUNT, ObjectRule.OWN),
    status_code=204,
    summary="End one of my sessions",
)
async def end_session(request: Asked, number: FromPath[int]) -> None:
    """End one of one's own sessions."""
    known = 0 < number < 2**63
    if not known or not await access_of(request).sessions.end(_caller(request).person, number, author_of(request)):
        raise NotFoundError(f"you have no session {number}")


@post(
    "/api/v1/me/sessions/end-others",
    opt=_opt(Permission.ACCOUNT, ObjectRule.OWN),
    status_code=204,
    summary="End all my sessions but this one",
)
async def end_other_sessions(request: Asked) -> None:
    """End every session of one's own but the one that asks."""
    caller = _caller(request)
    await access_of(request).sessions.end_others(caller.person, caller.session, author_of(request))


@get("/api/v1/me/tokens", opt=_opt(Permission.ACCOUNT, ObjectRule.OWN), summary="My API tokens")
async def list_tokens(request: Asked) -> list[ApiToken]:
    """Return one's tokens."""
    return await access_of(request).tokens.list(_caller(request).person)


@post("/api/v1/me/tokens", opt=_opt(Permission.ACCOUNT, ObjectRule.OWN), summary="Make an API token")
async def make_token(request: Asked, data: JSONBody[NewToken]) -> FreshToken:
    """Make a token; its text is shown this once."""
    wish = TokenWish(name=data.name, scopes=data.scopes, days=data.days)
    token, text = await access_of(request).tokens.make(_caller(request).person, wish, author_of(request))
    return FreshToken(token, text)


@post(
    "/api/v1/me/tokens/{token_id:str}/revoke",
    opt=_opt(Permission.ACCOUNT, ObjectRule.OWN),
    status_code=204,
    summary="Revoke one of my API tokens",
)
async def revoke_token(request: Asked, token_id: FromPath[str]) -> None:
    """End one of one's own tokens."""
    known = token_id.isalnum() and token_id.isascii()
    person = _caller(request).person
    if not known or not await access_of(request).tokens.revoke(person, token_id, author_of(request)):
        raise NotFoundError("you have no such token, or it is revoked")


# --- people -------------------------------------------------------------------------------------------


@get("/api/v1/people", opt=_opt(Permission.PEOPLE_READ, ObjectRule.SITE), summary="Everybody")
async def list_people(request: Asked) -> list[Person]:
    """Return everybody with roles and whether there is an account."""
    return await access_of(request).people.list()


@post("/api/v1/people", opt=_opt(Permission.PEOPLE_MANAGE, ObjectRule.SITE), summary="Add a person and invite")
async def add_person(request: Asked, data: JSONBody[PersonRoles]) -> Invitation:
    """Make a person known and return an invitation."""
    people, author = access_of(request).people, author_of(request)
    await people.add(data.person, data.roles, author)
    return await _invitation(request, await people.invite(data.person, author))


@post(
    "/api/v1/people/roles",
    opt=_opt(Permission.PEOPLE_MANAGE, ObjectRule.SITE),
    status_code=204,
    summary="Give a person other roles",
)
async def change_roles(request: Asked, data: JSONBody[PersonRoles]) -> None:
    """Give a person other roles; a disabled one is enabled."""
    await access_of(request).people.change_roles(data.person, data.roles, author_of(request))


@post(
    "/api/v1/people/disable",
    opt=_opt(Permission.PEOPLE_MANAGE, ObjectRule.SITE),
    status_code=204,
    summary="Disable a person",
)
async def disable_person(request: Asked, data: JSONBody[PersonNamed]) -> None:
    """A person may act no more, at once."""
    await access_of(request).people.disable(data.person, author_of(request))


@post("/api/v1/people/invite", opt=_opt(Permission.PEOPLE_MANAGE, ObjectRule.SITE), summary="Invite a person anew")
async def invite_person(request: Asked, data: JSONBody[PersonNamed]) -> Invitation:
    """Return a new invitation for a person without an account."""
    return await _invitation(request, await access_of(request).people.invite(data.person, author_of(request)))


ROUTES: list[BaseRouteHandler] = [
    read_link,
    set_up,
    enter,
    sign_in,
    sign_out,
    read_me,
    change_password,
    list_sessions,
    end_session,
    end_other_sessions,
    list_tokens,
    make_token,
    revoke_token,
    list_people,
    add_person,
    change_roles,
    disable_person,
    invite_person,
]
"""Every route of access."""


def refused_response(_: Asked, error: AccessRefusedError) -> Response[Problem]:
    """Return what access refused as a problem."""
    fields = tuple({"path": path, "text": text} for path, text in error.fields)
    problem = Problem(title="Refused", status=error.status_code, detail=str(error), fields=fields)
    return problem_response(problem, {"retry-after": str(error.wait_s)} if error.wait_s else None)


async def _invitation(request: Asked, token: str) -> Invitation:
    link = await access_of(request).links.find(token)
    return Invitation(link_path(token), link.expires_us)


def _caller(request: Asked) -> Caller:
    caller = request.state.caller
    assert isinstance(caller, Caller)  # noqa: S101 - the guard let nobody else in
    return caller


def _browser(request: Asked) -> Browser:
    return Browser(session_id_of(request), request.headers.get("user-agent", ""))


async def _signed_in(request: Asked, session_id: str) -> Response[Me]:
    """Return the new caller, and the session as a cookie."""
    caller = await access_of(request).sessions.find(session_id)
    if caller is None:
        raise AccessRefusedError("the session ended at once; sign in again", 401)
    return Response(_me(caller), cookies=[_cookie(request, session_id)], status_code=200)


def _me(caller: Caller) -> Me:
    permissions = tuple(sorted(caller.permissions))
    return Me(person=caller.person, roles=caller.roles, permissions=permissions, csrf=caller.csrf)


def _cookie(request: Asked, session_id: str, max_age: int | None = None) -> Cookie:
    """Return the session's cookie: not for scripts, not for other sites, gone with the browser."""
    return Cookie(
        key=cookie_name(request),
        value=session_id,
        path="/",
        httponly=True,
        samesite="strict",
        secure=is_secure(request),
        max_age=max_age,
    )
