"""What the printed codes of a unit say, for its page: values only, which the client puts into words."""

from collections.abc import Iterable

from msgspec import Struct

from cellwright.model.codes import explain, parse_code


class PrintedField(Struct, frozen=True, kw_only=True):
    """A field of a printed code (GB/T 34014): its characters and its value."""

    code: str
    name: str
    text: str
    value: str
    years: tuple[int, ...]
    """Of the year's field: what it may mean, the best supported first; else empty."""


def printed_in(codes: Iterable[str]) -> tuple[PrintedField, ...]:
    """Return the fields of each code; a text that is no code of GB/T 34014 has none."""
    readings = [(text, parse_code(text).code) for text in codes]
    return tuple(
        PrintedField(
            code=text,
            name=each.name,
            text=each.text,
            value=each.value,
            years=tuple(reading.year for reading in code.years) if each.name == "year" else (),
        )
        for text, code in readings
        if code is not None
        for each in explain(code)
    )
