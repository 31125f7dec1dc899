"""The door of every route: who asks, from which site, and may they. What is not declared is not open."""

import hmac
import ipaddress
from collections.abc import Iterator
from secrets import token_hex
from typing import Any, Final
from urllib.parse import urlsplit

from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException, NotAuthorizedException, PermissionDeniedException
from litestar.handlers.base import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send
from msgspec import structs

from cellwright.errors import ConfigurationError
from cellwright.journal.audit import Author
from cellwright.web.access.permissions import Caller, ObjectRule, Permission, roles_with
from cellwright.web.access.service import Access

COOKIE: Final = "cellwright"
COOKIE_SECURE: Final = "__Host-cellwright"
"""Over TLS: browsers take a cookie of this name only from this host, for all of it, and secure."""
CSRF_HEADER: Final = "x-csrf-token"
BACKGROUND_HEADER: Final = "x-background"
"""What a page reads by itself: nobody is there, so the session is not in use."""
NO_CALLER: Final = "no_caller"
"""Key of a route's `opt`: the same bytes for everybody, so nobody is looked up. Only together with `PUBLIC`."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITE = frozenset({"same-origin", "none"})
_SCHEMES = {"ws": "http", "wss": "https"}
_MISDIRECTED = 421

Asker = ASGIConnection[Any, Any, Any, Any]


def cookie_name(connection: Asker) -> str:
    """Return the name of the session's cookie on this connection."""
    return COOKIE_SECURE if is_secure(connection) else COOKIE


def is_secure(connection: Asker) -> bool:
    """Tell whether a connection is over TLS."""
    return connection.scope["scheme"] in ("https", "wss")


def access_of(connection: Asker) -> Access:
    """Return the access part of the application that a connection came to."""
    access = connection.app.state.services.access
    assert isinstance(access, Access)  # noqa: S101 - make_app put it there
    return access


def author_of(connection: Asker) -> Author:
    """Return who changes something by this request, from where; actor "" is nobody."""
    caller = connection.scope["state"].get("caller")
    return Author(
        actor=caller.person if caller else "",
        terminal=_terminal(connection),
        request_id=connection.scope["state"].get("request_id", ""),
    )


class Authentication(ASGIMiddleware):
    """Finds who asks, by session cookie or API token, and keeps it as `request.state.caller`; None is nobody."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Look the caller up unless the route's bytes are the same for everybody."""
        connection: Asker = ASGIConnection(scope)
        state = scope.setdefault("state", {})
        state["request_id"] = token_hex(8)
        state["caller"] = None if scope["route_handler"].opt.get(NO_CALLER) else await _find_caller(connection)
        await next_app(scope, receive, send)


async def _find_caller(connection: Asker) -> Caller | None:
    """Return who asks. Whoever shows a token is judged by it alone, whatever cookies come along."""
    access, shown = access_of(connection), connection.headers.get("authorization")
    if shown is not None:
        scheme, _, text = shown.partition(" ")
        caller = await access.tokens.find(text.strip()) if scheme.lower() == "bearer" else None
    else:
        is_use = BACKGROUND_HEADER not in connection.headers
        caller = await access.sessions.find(session_id_of(connection), is_use=is_use)
    if caller is None:
        return None
    request_id = connection.scope["state"]["request_id"]
    return structs.replace(caller, terminal=_terminal(connection), request_id=request_id)


def session_id_of(connection: Asker) -> str:
    """Return the session id that a browser holds, "" = none."""
    return connection.cookies.get(cookie_name(connection), "")


def _terminal(connection: Asker) -> str:
    return connection.client.host if connection.client else ""


# --- the guard ------------------------------------------------------------------------------------


async def check_access(connection: Asker, handler: BaseRouteHandler) -> None:
    """Let a caller through, or raise: 421 foreign host, 401 nobody, 403 without the permission or from another site."""
    _refuse_foreign_host(connection)
    if _is_options(handler):
        return
    permission, caller = handler.opt.get("permission"), connection.scope["state"].get("caller")
    is_live = _is_live(connection)
    is_change = is_live or connection.scope.get("method") not in _SAFE
    if is_change:
        _refuse_other_site(connection, caller)
    if permission is Permission.PUBLIC:
        return
    if caller is None:
        text = "sign in first, or show a valid API token"
        raise NotAuthorizedException(text, headers={"www-authenticate": "Bearer"})
    require(caller, permission)
    if is_change and not is_live:
        _refuse_forged(connection, caller)


def require(caller: Caller, permission: Permission | None) -> None:
    """Raise 403, naming the permission and the roles that have it, when a caller lacks it; None is what nobody has."""
    if permission in caller.permissions:
        return
    text = f"this takes the permission {permission}, which {caller.person} has not here"
    raise PermissionDeniedException(
        text, extra={"permission": permission or "", "roles": roles_with(permission) if permission else ()}
    )


def _is_live(connection: Asker) -> bool:
    return connection.scope["type"] == ScopeType.WEBSOCKET


def _refuse_foreign_host(connection: Asker) -> None:
    """Without TLS only this machine is served: another name in Host is a page that had its name rebound to us."""
    host = connection.headers.get("host", "")
    if is_secure(connection) or _is_loopback(_name_in(host)):
        return
    raise HTTPException(f"{host[:80]!r} is not the name of this server", status_code=_MISDIRECTED)


def _name_in(host: str) -> str:
    """Return the name in a Host header, "" when it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refuse_other_site(connection: Asker, caller: Caller | None) -> None:
    """Refuse what another site's page sends. A script says no origin; only a WebSocket by session must say one."""
    site, origin = connection.headers.get("sec-fetch-site"), connection.headers.get("origin")
    scheme = connection.scope["scheme"]
    own = f"{_SCHEMES.get(scheme, scheme)}://{connection.headers.get('host', '')}"
    if origin is not None and origin != own:
        raise PermissionDeniedException(f"sent by a page of {origin[:80]}; only pages of {own} may do this")
    if site is not None and site not in _OWN_SITE:
        raise PermissionDeniedException("sent by a page of another site")
    if origin is None and _is_live(connection) and caller is not None and not caller.token:
        raise PermissionDeniedException("a session's live connection must say its origin")


def _refuse_forged(connection: Asker, caller: Caller) -> None:
    """Refuse a session's change without its token, which only its own pages know."""
    shown = connection.headers.get(CSRF_HEADER, "")
    if caller.token or hmac.compare_digest(shown.encode(), caller.csrf.encode()):
        return
    raise PermissionDeniedException("the header X-CSRF-Token is missing or of another session; load the page again")


# --- at the start -----------------------------------------------------------------------------------


def require_declared(app: Litestar) -> None:
    """Raise ConfigurationError naming every route that lacks a permission or an object rule."""
    problems = []
    for path, handler in handlers_of(app):
        missing = [
            name
            for name, kind in (("permission", Permission), ("object_rule", ObjectRule))
            if not isinstance(handler.opt.get(name), kind)
        ]
        if missing:
            problems.append(f"route {path} ({handler}): declare {' and '.join(missing)} in its opt")
        elif handler.opt.get(NO_CALLER) and handler.opt["permission"] is not Permission.PUBLIC:
            problems.append(f"route {path} ({handler}): {NO_CALLER} is only for public routes")
    if problems:
        raise ConfigurationError(problems)


def handlers_of(app: Litestar) -> Iterator[tuple[str, BaseRouteHandler]]:
    """Yield every route with its path: HTTP, WebSocket, ASGI. Not the answers to OPTIONS that the framework adds."""
    for route in app.routes:
        several = getattr(route, "route_handlers", None)
        for handler in several if several is not None else [route.route_handler]:  # type: ignore[union-attr]
            if not _is_options(handler):
                yield route.path, handler


def _is_options(handler: BaseRouteHandler) -> bool:
    """Tell whether a handler is the framework's own answer to OPTIONS: the list of allowed methods."""
    methods = getattr(handler, "http_methods", None)
    return methods == {"OPTIONS"} and getattr(handler.fn, "__module__", "").startswith("litestar.")
