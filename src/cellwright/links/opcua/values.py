"""Between plain values and OPC UA variants: exact types out; quality, type and range checked in."""

import math

import msgspec
from asyncua import ua
from asyncua.ua.status_codes import StatusCodes

from cellwright.links.opcua.contract import NodeSpec, ValueType

Value = bool | int | float | str | tuple[bool | int | float | str | None, ...] | None
"""Plain content of a node; arrays are tuples; None = no value."""


_MAY_MISS = frozenset({"Request/ResultValues", "Request/Profiles/Values"})
"""Where NaN means not measured."""


class Problem(msgspec.Struct, frozen=True):
    """Why a node's value cannot be used: path below the station, and what was expected.

    A doubtful status passes (`is_passing`): wait for a good one. A wrong type or number stays until it is mended.
    """

    path: str
    text: str
    is_passing: bool = False


def node_id(key: str, index: int) -> ua.NodeId:
    """Return the node id with string identifier `key` in namespace `index`."""
    return ua.NodeId(ua.String(key), ua.Int16(index))


def variant_type(spec: NodeSpec) -> ua.VariantType:
    """Return the OPC UA variant type of a node of the contract."""
    return ua.VariantType[spec.type.value]


def to_variant(spec: NodeSpec, value: Value) -> ua.Variant:
    """Return a value as a variant of the node's exact type."""
    content = list(value) if isinstance(value, tuple) else value
    return ua.Variant(content, variant_type(spec), is_array=spec.is_array)


def from_data_value(spec: NodeSpec, data: ua.DataValue) -> Value | Problem:
    """Return the plain value of a node, or the problem with it: a doubtful value never becomes a number.

    NaN in a result means not measured and becomes None; anywhere else, like an infinite number, it is a problem.
    An optional node that a station does not have is empty, or None when it is no array. An absent string or array is an empty one, as for a node that was never written (OPC 10000-6, 5.2.2).
    """
    status, variant = data.StatusCode, data.Value
    if spec.is_optional and status is not None and status.value == StatusCodes.BadNodeIdUnknown:
        return () if spec.is_array else None
    if status is not None and not status.is_good():
        return Problem(spec.path, f"status is {status.name}, expected Good", is_passing=True)
    if _is_absent(variant) and (spec.is_array or spec.type is ValueType.STRING):
        return () if spec.is_array else ""
    if variant is None or variant.VariantType != variant_type(spec) or dimension_count(variant) != int(spec.is_array):
        return Problem(spec.path, f"type is {_type_text(variant)}, expected {spec.type_text}")
    if spec.is_array:
        return _array(spec, variant.Value or [])
    return _scalar(spec, variant.Value)


def dimension_count(variant: ua.Variant) -> int:
    """Return how many dimensions a value has: 0 = it is no array."""
    return max(1, len(variant.Dimensions or ())) if variant.is_array else 0


def _is_absent(variant: ua.Variant | None) -> bool:
    return variant is None or variant.VariantType == ua.VariantType.Null


def _array(spec: NodeSpec, content: list[bool | int | float | str | None]) -> Value | Problem:
    if spec.type is ValueType.STRING:
        return tuple(each or "" for each in content)
    if spec.type is ValueType.DOUBLE:
        return _doubles(spec, content)
    return tuple(content)


def _doubles(spec: NodeSpec, content: list[bool | int | float | str | None]) -> Value | Problem:
    numbers = [float(each or 0.0) for each in content]
    may_miss = spec.path in _MAY_MISS
    if any(math.isinf(each) or (math.isnan(each) and not may_miss) for each in numbers):
        expected = "finite numbers or NaN for not measured" if may_miss else "finite numbers"
        return Problem(spec.path, f"holds a number that is not finite, expected {expected}")
    return tuple(None if math.isnan(each) else each for each in numbers)


def _scalar(spec: NodeSpec, content: Value) -> Value:
    return "" if content is None and spec.type is ValueType.STRING else content


def _type_text(variant: ua.Variant | None) -> str:
    if variant is None or _is_absent(variant):
        return "empty"
    return variant.VariantType.name + "[]" * dimension_count(variant)
