"""What a scanner sent or a person pasted, as the codes that it may stand for."""

import itertools
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, unquote, urlsplit

_LENGTH_MAX = 128
_TEXT_MAX = 2000
_CANDIDATES_MAX = 16
_SEPARATOR = "\x1d"
"""FNC1 as scanners send it between fields of variable length."""

# Symbology identifier that a scanner may put in front (ISO/IEC 15424), such as ]C1, ]d2, ]Q3.
_SYMBOLOGY = re.compile(r"^\][A-Za-z][0-9A-Za-z]")
_BRACKETED = re.compile(r"\((\d{2,4})\)([^(]*)")
# GS1 General Specifications, section 3: fields whose length is fixed need no separator.
_FIXED_LENGTHS = {"00": 18, "01": 14, "02": 14, "11": 6, "12": 6, "13": 6, "15": 6, "16": 6, "17": 6, "20": 2}
# What names one thing: serial number, batch or lot, logistic unit, returnable asset, individual asset.
_NAMING = ("21", "10", "00", "8003", "8004")


def candidates(text: str) -> tuple[str, ...]:
    """Return the codes that a text may stand for, the likeliest first, without repeats."""
    sent = text[:_TEXT_MAX]
    plain = _printable(sent)
    found = [plain, *_element_string(sent), *_link(plain), _without_mark(plain)]
    kept = dict.fromkeys(each.strip() for each in found)
    return tuple(each for each in kept if each and len(each) <= _LENGTH_MAX)[:_CANDIDATES_MAX]


def _printable(text: str) -> str:
    """Return a text without what scanners add: control characters around and within, symbology identifiers."""
    return _SYMBOLOGY.sub("", "".join(each for each in text if each.isprintable()).strip())


def _without_mark(text: str) -> str:
    """Return a text without the one character that a scanner may be set to send first."""
    return text[1:] if text and not text[0].isalnum() else ""


def _link(text: str) -> Iterator[str]:
    """Yield what an address may end in: GS1 Digital Link fields first, then its path from the end on."""
    try:
        address = urlsplit(text)
    except ValueError:
        return
    if address.scheme.lower() not in ("http", "https") or not address.path:
        return
    parts = [unquote(each) for each in address.path.split("/") if each]
    fields = dict(itertools.pairwise(parts))
    yield from (fields[each] for each in _NAMING if each in fields)
    for asked in ("q", "code", "21", "10"):
        yield from parse_qs(address.query).get(asked, ())
    yield from ("/".join(parts[index:]) for index in range(len(parts) - 1, -1, -1))


def _element_string(text: str) -> Iterator[str]:
    """Yield the naming fields of a GS1 element string, with brackets as printed or with FNC1 as scanned."""
    bracketed = dict(_BRACKETED.findall(text))
    scanned = dict(_fields(_SYMBOLOGY.sub("", text.strip(" \r\n\t")).strip(_SEPARATOR)))
    for fields in (bracketed, scanned):
        yield from (_printable(fields[each]) for each in _NAMING if each in fields)


def _fields(text: str) -> Iterator[tuple[str, str]]:
    while len(text) > 2:
        name, rest = text[:2], text[2:]
        length = _FIXED_LENGTHS.get(name)
        if length is not None:
            value, text = rest[:length], rest[length:]
        elif name in ("10", "21"):
            value, _, text = rest.partition(_SEPARATOR)
        else:
            return
        text = text.removeprefix(_SEPARATOR)
        yield name, value
