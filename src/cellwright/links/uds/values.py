"""Values of a BMS as the bytes of their data identifier, and back."""

from math import isfinite

from cellwright.links.uds.contract import Parameter, ValueKind

_SIZES = {ValueKind.U8: 1, ValueKind.U16: 2, ValueKind.U32: 4, ValueKind.I16: 2}
_ROUNDING_MAX = 1e-6
"""A value may be this far, in raw steps, from a whole one."""


class ValueRefusedError(ValueError):
    """A value cannot be written to its parameter as it is."""


def encode(parameter: Parameter, value: str | float) -> bytes:
    """Return the bytes of a value. Raises ValueRefusedError: nothing is rounded, cut or wrapped."""
    if parameter.kind is ValueKind.TEXT:
        return _encode_text(parameter, str(value))
    if parameter.kind is ValueKind.BYTES:
        return _encode_bytes(parameter, str(value))
    return _encode_number(parameter, value)


def decode(parameter: Parameter, raw: bytes) -> str:
    """Return bytes in words: a number in its unit, a text, or hexadecimal digits; of another length: `hex of n bytes`."""
    if len(raw) != size_of(parameter):
        return f"{raw.hex()} ({len(raw)} bytes, expected {size_of(parameter)})"
    if parameter.kind is ValueKind.TEXT:
        return raw.rstrip(b"\x00 ").decode("ascii", errors="backslashreplace")
    if parameter.kind is ValueKind.BYTES:
        return raw.hex()
    number = int.from_bytes(raw, signed=parameter.kind is ValueKind.I16)
    return format(number * parameter.factor, ".12g")


def size_of(parameter: Parameter) -> int:
    """Return how many bytes a parameter has."""
    return _SIZES.get(parameter.kind, parameter.length)


def _encode_text(parameter: Parameter, value: str) -> bytes:
    if not value.isascii() or not value.isprintable() or not 0 < len(value) <= parameter.length:
        wanted = f"1 to {parameter.length} plain characters are expected"
        raise ValueRefusedError(f"{parameter.name}: {value!r} cannot be written; {wanted}")
    return value.encode("ascii").ljust(parameter.length, b"\x00")


def _encode_bytes(parameter: Parameter, value: str) -> bytes:
    try:
        raw = bytes.fromhex(value)
    except ValueError as error:
        raise ValueRefusedError(f"{parameter.name}: {value!r} is no row of hexadecimal digits") from error
    if len(raw) != parameter.length:
        raise ValueRefusedError(f"{parameter.name}: {value!r} has {len(raw)} bytes; {parameter.length} are expected")
    return raw


def _encode_number(parameter: Parameter, value: str | float) -> bytes:
    size, signed = _SIZES[parameter.kind], parameter.kind is ValueKind.I16
    lowest, highest = (-(1 << 8 * size - 1), (1 << 8 * size - 1) - 1) if signed else (0, (1 << 8 * size) - 1)
    place = f"{parameter.name}: {value}"
    if isinstance(value, str) or not isfinite(value) or not lowest <= value / parameter.factor <= highest:
        bounds = f"{lowest * parameter.factor:g} to {highest * parameter.factor:g} {parameter.unit}".rstrip()
        raise ValueRefusedError(f"{place} does not fit; a number from {bounds} is expected")
    steps = value / parameter.factor
    if abs(steps - round(steps)) > _ROUNDING_MAX * max(1.0, abs(steps)):
        raise ValueRefusedError(
            f"{place} is between two steps of {parameter.factor:g} {parameter.unit}; give a whole step"
        )
    return round(steps).to_bytes(size, signed=signed)
