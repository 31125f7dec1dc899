"""Frames of a topic: all of it, then only what changed; each is encoded once, however many watch."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

Data = Mapping[str, Any]
Keys = Mapping[str, tuple[str, ...]]
"""Lists whose rows are sent one by one, and the fields that name a row."""

_AGE: Final = "age_s"
_ENCODER: Final = msgspec.json.Encoder()


class ListChange(Struct, frozen=True, omit_defaults=True):
    """Rows of a list that changed or are new, whole and in their order; `gone` holds the keys of those that left."""

    key: tuple[str, ...]
    rows: tuple[Data, ...] = ()
    gone: tuple[tuple[Any, ...], ...] = ()


class Change(Struct, frozen=True, omit_defaults=True):
    """What changed: fields with their new value, and lists by row."""

    fields: dict[str, Any] = {}
    lists: dict[str, ListChange] = {}


class Frame(Struct, frozen=True, kw_only=True):
    """What a client gets; `time_us` is the plant's time at which the data were read (UTC us)."""

    topic: str
    sequence: int
    time_us: int
    kind: str
    data: Any


def plain_data(answer: Any) -> Data:
    """Return an answer as plain values without ages: they change by themselves, and the moments beside them tell."""
    built = msgspec.to_builtins(answer)
    plain = _without_ages(built)
    assert isinstance(plain, dict)  # noqa: S101 - topics answer with one object
    return plain


def _without_ages(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_ages(each) for name, each in value.items() if not str(name).endswith(_AGE)}
    if isinstance(value, list | tuple):
        return [_without_ages(each) for each in value]
    return value


def change_between(before: Data, after: Data, keys: Keys) -> Change | None:
    """Return what leads from one to the other; None when only the whole can say it."""
    if before.keys() - after.keys():
        return None
    change = Change()
    for name, value in after.items():
        if name in before and before[name] == value:
            continue
        listed = _list_change(before.get(name), value, keys.get(name, ()))
        if listed is None:
            change.fields[name] = value
        else:
            change.lists[name] = listed
    return change


def _list_change(before: Any, after: Any, key: tuple[str, ...]) -> ListChange | None:
    """Compare two lists row by row; None when rows cannot be told apart or changed places."""
    old, new = _by_key(before, key), _by_key(after, key)
    if old is None or new is None:
        return None
    kept = [name for name in old if name in new]
    if [*kept, *(name for name in new if name not in old)] != list(new):
        return None
    rows = tuple(row for name, row in new.items() if name not in old or old[name] != row)
    return ListChange(key, rows, tuple(name for name in old if name not in new))


def _by_key(rows: Any, key: tuple[str, ...]) -> dict[tuple[Any, ...], Data] | None:
    if not key or not isinstance(rows, list):
        return None
    try:
        named = {tuple(row[field] for field in key): row for row in rows}
    except (KeyError, TypeError):
        return None
    return named if len(named) == len(rows) else None


def encode(message: Any) -> str:
    """Return a message as JSON on one line."""
    return _ENCODER.encode(message).decode()
