"""The application: every route, each with its permission, and what all answers have in common."""

from collections.abc import Sequence
from typing import Any

from litestar import Litestar, Router, get
from litestar.datastructures import State
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.params import FromPath
from litestar.static_files import create_static_files_router

from cellwright.web import command_routes, matching_routes, recall_routes
from cellwright.web.access import routes as access_routes
from cellwright.web.access.ground import AccessRefusedError
from cellwright.web.access.guard import NO_CALLER, Authentication, check_access, require_declared
from cellwright.web.access.permissions import ObjectRule, Permission
from cellwright.web.commands import require_permissions
from cellwright.web.failures import HANDLERS
from cellwright.web.headers import add_headers
from cellwright.web.live.stream import live_stream
from cellwright.web.live.websocket import live_socket
from cellwright.web.modules import STATIC
from cellwright.web.page import page_handlers
from cellwright.web.pages import doors, genealogy
from cellwright.web.pages.page_list import PAGES
from cellwright.web.problems import NotFoundError
from cellwright.web.question import Asked
from cellwright.web.services import Services
from cellwright.web.shell import release

_YEAR_S = 365 * 86_400
_BODY_MAX = 1 << 20
_FILES = {"permission": Permission.PUBLIC, "object_rule": ObjectRule.NONE, NO_CALLER: True}
_DOCUMENT = {"permission": Permission.SELF, "object_rule": ObjectRule.NONE}
_NOWHERE = {"permission": Permission.PUBLIC, "object_rule": ObjectRule.NONE}


def make_app(services: Services) -> Litestar:
    """Return the application on opened services; raises ConfigurationError for a route that does not say who may."""
    app = Litestar(
        [*_routes(), _static_files()],
        before_send=[add_headers],
        exception_handlers={**HANDLERS, AccessRefusedError: access_routes.refused_response},
        guards=[check_access],
        logging_config=None,
        middleware=[Authentication()],
        openapi_config=OpenAPIConfig(
            title="Cellwright",
            version="0.1.0",
            path="/openapi",
            # The framework's other pages of it load scripts from elsewhere.
            render_plugins=[JsonRenderPlugin()],
            openapi_router=Router("/openapi", route_handlers=[], opt=_DOCUMENT, include_in_schema=False),
        ),
        request_max_body_size=_BODY_MAX,
        state=State({"services": services}),
    )
    require_declared(app)
    require_permissions()
    return app


def _routes() -> Sequence[Any]:
    own = [
        *access_routes.ROUTES,
        *doors.ROUTES,
        *command_routes.ROUTES,
        *genealogy.ROUTES,
        *matching_routes.ROUTES,
        *recall_routes.ROUTES,
        read_description,
        show_nothing,
        live_socket,
        live_stream,
    ]
    return [*own, *(handler for page in PAGES for handler in page_handlers(page))]


@get("/openapi.json", opt=_DOCUMENT, include_in_schema=False)
async def read_description(request: Asked) -> dict[str, Any]:
    """Describe the API (OpenAPI 3.1)."""
    # To write it down takes half a second, in which nothing else is answered; it never changes.
    if "description" not in request.app.state:
        request.app.state["description"] = request.app.openapi_schema.to_schema()
    found: dict[str, Any] = request.app.state["description"]
    return found


@get("/{path:path}", opt=_NOWHERE, include_in_schema=False)
async def show_nothing(request: Asked, path: FromPath[str]) -> None:
    """Say that nothing is here, to a known caller in the usual frame."""
    del path
    raise NotFoundError(f"nothing is at {request.url.path[:200]}")


def _static_files() -> Any:
    """The client's files, under an address that changes with them, so that browsers keep them for a year."""
    headers = {"cache-control": f"public, max-age={_YEAR_S}, immutable"}

    def keep(response: Any) -> Any:
        response.headers.update(headers)
        return response

    return create_static_files_router(
        path=f"/static/{release()}", directories=[STATIC], opt=_FILES, after_request=keep, include_in_schema=False
    )
