"""Compose units of reports from physical values."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from cellwright.links.gb32960.fields import Field, Listed, Number, State, Value, Values
from cellwright.links.gb32960.frames import Unit
from cellwright.links.gb32960.tables import NUMBERS, UNITS, Edition

Physical: TypeAlias = "float | State | Sequence[Physical] | Mapping[str, Physical] | None"
"""A value in the unit that its name ends with; None = invalid."""


def unit_from(edition: Edition, name: str, /, **values: Physical) -> Unit:
    """Return the unit of a name from physical values by the names of its fields.

    Numbers that are not given are invalid, bits 0, and counts those of their lists. Raises ValueError for a value beyond
    the range of its field, for a name that the unit does not have, and for a unit that the edition does not have.
    """
    number = NUMBERS[edition].get(name)
    if number is None:
        raise ValueError(f"edition {edition} has no unit {name}; give one of {', '.join(NUMBERS[edition])}")
    return Unit(number, _values(UNITS[edition][number].fields, values))


def _values(fields: tuple[Field, ...], given: Mapping[str, Physical]) -> Values:
    names = [each.name for each in fields if isinstance(each, Number | Listed)]
    if strange := set(given) - set(names):
        raise ValueError(f"there is no {', '.join(sorted(strange))}; give {', '.join(names)}")
    counts = {each.count: len(_items(given, each)) for each in fields if isinstance(each, Listed)}
    values: Values = {}
    for each in fields:
        if isinstance(each, Listed):
            values[each.name] = _list(each, _items(given, each))
        elif isinstance(each, Number):
            otherwise = counts.get(each.name, None if each.has_states else 0)
            values[each.name] = _raw(each, given.get(each.name, otherwise))
    return values


def _items(given: Mapping[str, Physical], listed: Listed) -> Sequence[Physical]:
    items = given.get(listed.name, ())
    if not isinstance(items, Sequence):
        raise ValueError(f"{listed.name} is {items}; give a list")  # noqa: TRY004 one error for wrong values
    return items


def _list(listed: Listed, items: Sequence[Physical]) -> Value:
    bare = listed.bare
    if isinstance(bare, Number):
        return [_raw(bare, each) for each in items]
    return [_values(listed.item, each) for each in items if isinstance(each, Mapping)]


def _raw(number: Number, value: Physical) -> int:
    if isinstance(value, Sequence | Mapping) and not isinstance(value, State):
        raise ValueError(f"{number.name} is a list; give one number")  # noqa: TRY004 one error for wrong values
    return number.raw(value)
