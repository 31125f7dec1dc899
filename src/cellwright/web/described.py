"""What the API's document says of the addresses of pages: the parameters behind the question mark."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from litestar.openapi.spec import OpenAPI, OpenAPIType, Parameter, Reference, Schema

from cellwright.web.page import Page
from cellwright.web.tables import MEDIA_TYPES

_WHOLE: Final = frozenset({"before", "end", "lane", "limit", "offset", "start"})
_CODE: Final = Schema(type=OpenAPIType.STRING, min_length=1, max_length=128, description="A code, percent-encoded.")
_OF_FILES: Final = ("limit", "table", "bom")


def describe_queries(document: OpenAPI, pages: Iterable[Page]) -> None:
    """Add to each operation of a page what may be asked of it."""
    names: dict[str, tuple[str, ...]] = {}
    for page in pages:
        names[f"read_{page.name}"] = page.query
        names |= {f"export_{page.name}_{suffix}": (*page.query, *_OF_FILES) for suffix in MEDIA_TYPES}
    for item in (document.paths or {}).values():
        operation = item.get
        if operation and operation.operation_id in names:
            found = [_code(each) for each in operation.parameters or ()]
            operation.parameters = [*found, *map(_parameter, dict.fromkeys(names[operation.operation_id]))]


def _code(parameter: Parameter | Reference) -> Parameter | Reference:
    """Return a parameter of the path, of which the framework only knows that it is a path, as the code that it is."""
    return replace(parameter, schema=_CODE) if isinstance(parameter, Parameter) else parameter


def _parameter(name: str) -> Parameter:
    kind = OpenAPIType.INTEGER if name in _WHOLE else OpenAPIType.STRING
    return Parameter(name=name, param_in="query", required=False, schema=Schema(type=kind))
