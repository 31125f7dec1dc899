"""What a caller sees of an error: programs the problem, people a page, strangers the way to sign in."""

import logging
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import asyncpg
from litestar import Response
from litestar.exceptions import HTTPException
from litestar.response import Redirect

from cellwright.errors import CellwrightError, DatabaseUnavailableError, UnansweredError
from cellwright.web.problems import NotFoundError, Problem, RefusedError, problem_of, problem_response
from cellwright.web.question import Asked
from cellwright.web.shell import html_response

_LOG = logging.getLogger(__name__)
_RETRY_S = 2


def _show(request: Asked, error: Exception) -> Response[Any]:
    problem = problem_of(error)
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    return _response(request, problem, headers)


def _show_absence(request: Asked, error: Exception) -> Response[Any]:
    _LOG.warning("%s %s not answered: %s", request.method, _route(request), error)
    detail = "the database does not answer; nothing was decided; try the same again in some seconds"
    problem = Problem(title="Unavailable", status=503, detail=detail)
    return _response(request, problem, {"retry-after": str(_RETRY_S)})


def _show_fault(request: Asked, error: Exception) -> Response[Any]:
    _LOG.error("%s %s failed", request.method, _route(request), exc_info=error)
    return _response(request, problem_of(error), {})


def _route(request: Asked) -> str:
    """Return what may be logged of an address: the route, since a one-time link has its secret in the path."""
    return str(request.scope.get("path_template", "no route"))


def _response(request: Asked, problem: Problem, headers: dict[str, str]) -> Response[Any]:
    if not _is_for_people(request):
        return problem_response(problem, headers)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        place = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return Redirect("/sign-in" if place == "/" else f"/sign-in?next={quote(place, safe='/')}", status_code=303)
    response = html_response(request, "problem", problem, status_code=problem.status)
    response.headers.update(headers)
    return response


def _is_for_people(request: Asked) -> bool:
    """Tell whether a browser asks for a page; what it loads for a page is asked otherwise."""
    is_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
    return is_page and not request.url.path.startswith(("/api/", "/static/"))


HANDLERS: dict[int | type[Exception], Any] = {
    HTTPException: _show,
    CellwrightError: _show_fault,
    NotFoundError: _show,
    RefusedError: _show,
    UnansweredError: _show_absence,
    DatabaseUnavailableError: _show_absence,
    asyncpg.PostgresConnectionError: _show_absence,
    asyncpg.CannotConnectNowError: _show_absence,
    asyncpg.InterfaceError: _show_absence,
    ConnectionError: _show_absence,
    TimeoutError: _show_absence,
    HTTPStatus.INTERNAL_SERVER_ERROR: _show_fault,
}
"""Error to answer, for the application."""
