"""What a key of a plant's files may hold, in words; used by messages and by the reference page."""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from msgspec import inspect

_CHOICES_MAX = 12
_SHOWN_MAX = 60
INTEGER_BITS = 63
"""Every store and protocol carries whole numbers of so many bits."""
_PATTERN_WORDS = {
    r"^[a-z][a-z0-9_]*$": "a name of lower-case letters, digits and _, beginning with a letter",
    r"^[A-Z][A-Z0-9-]*$": "a code of capital letters, digits and -, beginning with a letter",
}


def bare_type(annotation: object) -> Any:
    """Return a type without its `Annotated` and `| None`."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, UnionType):
            annotation = next(each for each in get_args(annotation) if each is not type(None))
        else:
            return annotation


def plain_type(annotation: Any) -> inspect.Type:
    """Return what msgspec knows of a type, without descriptions and `| None`."""
    return _plain(inspect.type_info(annotation))


def _plain(info: inspect.Type) -> inspect.Type:
    while isinstance(info, inspect.Metadata | inspect.UnionType):
        if isinstance(info, inspect.Metadata):
            info = info.type
        else:
            info = next(each for each in info.types if not isinstance(each, inspect.NoneType))
    return info


def allowed(annotation: Any) -> str:
    """Return what a key may hold, in words."""
    return _words(inspect.type_info(annotation))


def _words(wrapped: inspect.Type) -> str:
    info = _plain(wrapped)
    words = _WORDS.get(type(info))
    return "a table" if words is None else words(info)


def _words_int(info: Any) -> str:
    if info.ge is None:
        return "a whole number"
    bounds = f", {info.ge} or more" if info.le is None else f" from {info.ge} to {info.le}"
    return "a whole number" + bounds


def _words_float(info: Any) -> str:
    if info.gt is not None:
        return f"a number above {info.gt:g}"
    if info.ge is None:
        return "a number"
    return f"a number, {info.ge:g} or more" if info.le is None else f"a number from {info.ge:g} to {info.le:g}"


def _words_str(info: Any) -> str:
    if info.pattern:
        return _PATTERN_WORDS[info.pattern]
    return "text, not empty" if info.min_length else "text"


def _words_list(info: Any) -> str:
    inner = _words(info.item_type)
    listed = "a list of tables" if inner == "a table" else f"a list: {inner}"
    return listed + ("; not empty" if info.min_length else "")


_WORDS: dict[type[inspect.Type], Callable[[Any], str]] = {
    inspect.IntType: _words_int,
    inspect.StrType: _words_str,
    inspect.FloatType: _words_float,
    inspect.BoolType: lambda _: "true or false",
    inspect.EnumType: lambda info: "one of " + ", ".join(each.value for each in info.cls),
    inspect.VarTupleType: _words_list,
    inspect.DictType: lambda info: "a table: name = " + _words(info.value_type),
}


def shown(raw: object) -> str:
    """Return a value as one would write it in TOML, shortened."""
    if isinstance(raw, str):
        return f'"{plain(raw)}"'
    if isinstance(raw, bool):
        return str(raw).lower()
    if isinstance(raw, int) and raw.bit_length() > INTEGER_BITS:
        return f"a whole number {'below -' if raw < 0 else 'above '}{2**INTEGER_BITS - 1:,}"
    if isinstance(raw, Mapping):
        return "a table"
    return "a list" if isinstance(raw, list) else str(raw)[:_SHOWN_MAX]


def plain(text: str) -> str:
    """Return a text from a file as it may stand in a message: shortened, and without control characters."""
    return "".join(each if each.isprintable() else "?" for each in text[:_SHOWN_MAX])


def choice(wrong: str, known: Iterable[str], intro: str) -> str:
    """Return an introduction and what could have been meant."""
    return f"{intro} {choices(wrong, known)}"


def choices(wrong: str, known: Iterable[str]) -> str:
    """Return what could have been meant: all names when they are few, and the nearest ones."""
    names = list(dict.fromkeys(plain(each) for each in known))
    near = ", ".join(get_close_matches(wrong[:_SHOWN_MAX], names, n=3, cutoff=0.6))
    if len(names) > _CHOICES_MAX:
        return f"{near} (the nearest of {len(names)})" if near else f"{len(names)} of them, none is near"
    return (", ".join(names) + (f" (nearest: {near})" if near else "")) or "none"
