"""Errors as problem details (RFC 9457): what went wrong, where, and what to do."""

import logging
from http import HTTPStatus
from typing import Any

import asyncpg
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from msgspec import Struct

from cellwright.errors import CellwrightError, DatabaseUnavailableError, UnansweredError
from cellwright.model.answers import Reason, Refusal

_LOG = logging.getLogger(__name__)
PROBLEM_TYPE = "application/problem+json"


class Problem(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The body of an error; `reasons` are those of the gate's refusal."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    reasons: tuple[Reason, ...] = ()
    fields: tuple[dict[str, Any], ...] = ()


class NotFoundError(CellwrightError):
    """Nothing has this code; the sentence says what was tried."""


class RefusedError(CellwrightError):
    """The gate said no."""

    def __init__(self, refusal: Refusal) -> None:
        """Keep every reason."""
        super().__init__("; ".join(each.text for each in refusal.reasons))
        self.refusal = refusal


Asked = Request[Any, Any, Any]


def problem_response(problem: Problem, headers: dict[str, str] | None = None) -> Response[Problem]:
    """Return a problem as an answer."""
    return Response(problem, status_code=problem.status, media_type=PROBLEM_TYPE, headers=headers)


def _http(_: Asked, error: HTTPException) -> Response[Problem]:
    fields = tuple(error.extra) if isinstance(error, ValidationException) and isinstance(error.extra, list) else ()
    title = HTTPStatus(error.status_code).phrase
    problem = Problem(title=title, status=error.status_code, detail=error.detail, fields=fields)
    return problem_response(problem, dict(error.headers or {}))


def _not_found(_: Asked, error: NotFoundError) -> Response[Problem]:
    return problem_response(Problem(title="Not found", status=404, detail=str(error)))


def _refused(_: Asked, error: RefusedError) -> Response[Problem]:
    problem = Problem(title="Refused", status=409, detail=str(error), reasons=error.refusal.reasons)
    return problem_response(problem)


def _away(_: Asked, error: Exception) -> Response[Problem]:
    _LOG.warning("not answered: %s", error)
    detail = "the database does not answer; nothing was decided; try the same again in some seconds"
    return problem_response(Problem(title="Unavailable", status=503, detail=detail), {"retry-after": "2"})


def _unexpected(request: Asked, error: Exception) -> Response[Problem]:
    _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    detail = "an error of the program, written to its log; nothing was changed"
    return problem_response(Problem(title="Internal error", status=500, detail=detail))


HANDLERS: dict[int | type[Exception], Any] = {
    HTTPException: _http,
    NotFoundError: _not_found,
    RefusedError: _refused,
    UnansweredError: _away,
    DatabaseUnavailableError: _away,
    asyncpg.PostgresConnectionError: _away,
    asyncpg.InterfaceError: _away,
    ConnectionError: _away,
    HTTPStatus.INTERNAL_SERVER_ERROR: _unexpected,
}
"""Exception to answer, for the application."""
