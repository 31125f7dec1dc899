"""Errors as values: problem details (RFC 9457) say what went wrong, where, and what to do."""

from http import HTTPStatus
from typing import Any

from litestar import Response
from litestar.exceptions import HTTPException, PermissionDeniedException, ValidationException
from msgspec import Struct, structs

from cellwright.errors import CellwrightError
from cellwright.model.answers import Reason, Refusal

PROBLEM_TYPE = "application/problem+json"


class Problem(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The body of an error; `reasons` are those of the gate's refusal, `fields` what is wrong in the request.

    When a permission is missing, `permission` names it, and `roles` are those that have it.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    reasons: tuple[Reason, ...] = ()
    fields: tuple[dict[str, Any], ...] = ()
    permission: str = ""
    roles: tuple[str, ...] = ()


class NotFoundError(CellwrightError):
    """Nothing has this code; the sentence says what was tried."""


class RefusedError(CellwrightError):
    """The gate said no."""

    def __init__(self, refusal: Refusal) -> None:
        """Keep every reason."""
        super().__init__("; ".join(each.text for each in refusal.reasons))
        self.refusal = refusal


def problem_response(problem: Problem, headers: dict[str, str] | None = None) -> Response[Problem]:
    """Return a problem as an answer."""
    return Response(problem, status_code=problem.status, media_type=PROBLEM_TYPE, headers=headers)


def problem_of(error: Exception) -> Problem:
    """Return what an error tells the caller; what nobody expected tells nothing of the program's inside."""
    match error:
        case HTTPException():
            title = HTTPStatus(error.status_code).phrase
            problem = Problem(title=title, status=error.status_code, detail=error.detail, fields=_fields(error))
            return _with_permission(problem, error)
        case NotFoundError():
            return Problem(title="Not found", status=404, detail=str(error))
        case RefusedError():
            return Problem(title="Refused", status=409, detail=str(error), reasons=error.refusal.reasons)
        case _:
            detail = "an error of the program, written to its log; nothing was changed"
            return Problem(title="Internal error", status=500, detail=detail)


def _with_permission(problem: Problem, error: HTTPException) -> Problem:
    """Add which permission is missing, when the guard says so."""
    if isinstance(error, PermissionDeniedException) and isinstance(error.extra, dict):
        return structs.replace(problem, **error.extra)
    return problem


def _fields(error: HTTPException) -> tuple[dict[str, Any], ...]:
    return tuple(error.extra) if isinstance(error, ValidationException) and isinstance(error.extra, list) else ()
