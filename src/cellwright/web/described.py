"""What the API's document says of a page's address: its code, and what may stand behind the question mark."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from litestar.openapi.spec import OpenAPIType, Operation, Parameter, Reference, Schema

_WHOLE: Final = frozenset(
    {"before", "bins", "brush_end", "brush_start", "end", "lane", "last", "limit", "offset", "start"}
)
_CODE: Final = Schema(type=OpenAPIType.STRING, min_length=1, max_length=128, description="A code, percent-encoded.")


def asking(names: Iterable[str]) -> type[Operation]:
    """Return how an operation is described that may be asked for these, each once."""
    asked = [_parameter(name) for name in dict.fromkeys(names)]

    @dataclass
    class Asking(Operation):
        def __post_init__(self) -> None:
            self.parameters = [*map(_code, self.parameters or ()), *asked]

    return Asking


def _code(parameter: Parameter | Reference) -> Parameter | Reference:
    """Return a parameter of the path, of which the framework only knows that it is a path, as the code that it is."""
    return replace(parameter, schema=_CODE) if isinstance(parameter, Parameter) else parameter


def _parameter(name: str) -> Parameter:
    kind = OpenAPIType.INTEGER if name in _WHOLE else OpenAPIType.STRING
    return Parameter(name=name, param_in="query", required=False, schema=Schema(type=kind))
