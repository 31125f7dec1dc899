"""A question that a page or the API asks: who wants to know what, of which object, in which language."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from litestar import Request
from litestar.exceptions import ClientException
from msgspec import Struct

from cellwright.web.access.permissions import Caller
from cellwright.web.problems import NotFoundError
from cellwright.web.services import Services, services_of

Asked = Request[Any, Any, Any]
LIMIT_DEFAULT = 500
LIMIT_MAX = 5000
LIMIT_EXPORT = 100_000
DATA_SUFFIXES = ("json", "csv", "xlsx", "parquet")
_CODE_LENGTH_MAX = 128
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
"""What the gate takes for no part of a code either."""


class Question(Struct, frozen=True, kw_only=True):
    """What is asked; `code` names the object ("" for lists), `query` is the rest of the address.

    `suffix` is the kind of data that is wanted, "" = a page.
    """

    services: Services
    caller: Caller | None
    code: str = ""
    suffix: str = ""
    query: Mapping[str, str] = {}
    repeated: Mapping[str, Sequence[str]] = {}
    """Every value of what the address names, where it may be named more than once; `query` has the last."""

    @property
    def limit(self) -> int:
        """Rows of a list that are wanted; a file holds more than a page can show."""
        is_file = self.suffix not in ("", "json")
        default, most = (LIMIT_EXPORT, LIMIT_EXPORT) if is_file else (LIMIT_DEFAULT, LIMIT_MAX)
        return max(1, min(_number(self.query.get("limit"), default), most))

    @property
    def offset(self) -> int:
        """Rows of a list to pass over."""
        return max(0, min(_number(self.query.get("offset"), 0), 10**9))

    def whole(self, name: str) -> int | None:
        """Return a whole number from the address, None when there is none."""
        text = self.query.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def question_of(request: Asked, code: str = "", suffix: str = "") -> Question:
    """Return what a request asks; raises ClientException (400) for what cannot be in any text."""
    repeated = {key: values for key, values in request.query_params.dict().items() if values}
    if any("\0" in each for key, values in repeated.items() for each in (key, *values)):
        raise ClientException("the address holds a NUL character, which no text here does; take it out")
    query = {key: values[-1] for key, values in repeated.items()}
    return Question(
        services=services_of(request),
        caller=getattr(request.state, "caller", None),
        code=code,
        suffix=suffix,
        query=query,
        repeated=repeated,
    )


def read_time(text: str) -> int:
    """Return a time as people write it (ISO 8601; UTC when it names no zone) in UTC us; raises ValueError."""
    moment = datetime.fromisoformat(text)
    try:
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except OverflowError as error:
        raise ValueError(str(error)) from None
    return max(0, int(seconds) * 1_000_000)


def code_in_path(request: Asked, prefix: str) -> tuple[str, str]:
    """Return the code behind a prefix of the path, and the data suffix ("" = a page).

    The code is taken from the path as it was sent, since a code may hold slashes. `.html` ends a code that itself
    ends like a suffix. Raises NotFoundError for what cannot be a code.
    """
    code = _unquoted(sent_path(request).removeprefix(prefix))
    stem, dot, suffix = code.rpartition(".")
    if not dot or suffix not in (*DATA_SUFFIXES, "html"):
        stem, suffix = code, ""
    return _checked(stem), "" if suffix == "html" else suffix


def sent_path(request: Asked) -> str:
    """Return the path as it was sent, still percent-encoded."""
    raw: bytes = request.scope.get("raw_path") or b""
    return raw.split(b"?", 1)[0].decode("ascii", "replace")


def whole_code(text: str) -> str:
    """Return a percent-encoded code of which nothing is a suffix; raises NotFoundError for what cannot be a code."""
    return _checked(_unquoted(text))


def _unquoted(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise NotFoundError("the address is not UTF-8; copy the code again") from None


def _checked(code: str) -> str:
    if not 0 < len(code) <= _CODE_LENGTH_MAX or _CONTROL.search(code):
        raise NotFoundError(f"{code[:40]!r} is no code: 1 to {_CODE_LENGTH_MAX} characters, none of control")
    return code


def asked_us(name: str, query: Mapping[str, str]) -> int:
    """Return a time of the query as `moment_us`, 0 = not asked for; raises ClientException (400) for what is none."""
    text = query.get(name, "")
    if not text:
        return 0
    try:
        return read_time(text)
    except ValueError:
        raise ClientException(f"{name}={text[:40]}: write a time like 2026-03-01T14:05 (UTC)") from None


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else default
