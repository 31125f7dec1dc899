"""Reading a plant's TOML files table by table, keeping every mistake: file, key path, what was found, what is allowed."""

import math
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import Struct, inspect, structs

from cellwright.plant.config.entries import FILES, Entry, SiteEntry
from cellwright.plant.config.words import allowed, bare_type, choice, plain_type, shown

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_EntryType = TypeVar("_EntryType", bound=Entry)


class Place(Struct, frozen=True):
    """Where something stands in the files."""

    file: str
    path: str = ""
    entry: str = ""
    """Code and line of the entry, for people who do not count tables."""

    def at(self, key: str) -> "Place":
        """Return the place of a key inside this one."""
        name = key if _BARE_KEY.fullmatch(key) else f'"{key}"'
        return Place(self.file, f"{self.path}.{name}" if self.path else name, self.entry)

    def item(self, index: int) -> "Place":
        """Return the place of an item of the list at this place."""
        return Place(self.file, f"{self.path}[{index}]", self.entry)

    def __str__(self) -> str:
        path = f": {self.path}" if self.path else ""
        return f"{self.file}{path} ({self.entry})" if self.entry else f"{self.file}{path}"


class Problems:
    """Every mistake and every warning found, in order."""

    def __init__(self) -> None:
        """Begin with none."""
        self.mistakes: list[str] = []
        self.warnings: list[str] = []

    def add(self, place: Place, found: str, allowed: str) -> None:
        """Note a mistake: what was found, and what is allowed instead."""
        self.mistakes.append(f"{place}: {found}; {allowed}")

    def warn(self, place: Place, found: str, advice: str) -> None:
        """Note something that works but is likely not meant."""
        self.warnings.append(f"{place}: {found}; {advice}")


class Row(Struct, frozen=True):
    """One table of a list: its place, its code as written, and its entry (None = it holds mistakes)."""

    place: Place
    code: str
    entry: Entry | None


class Tables:
    """All tables of a plant's folder, with what could be decoded."""

    def __init__(self) -> None:
        """Begin empty."""
        self.rows: dict[type[Entry], list[Row]] = {}
        self.doubtful: set[type[Entry]] = set()
        """Kinds that a reference misses: what seems unused may be what was meant."""

    def entries(self, kind: type[_EntryType]) -> Iterator[tuple[Place, _EntryType]]:
        """Yield the decoded entries of a kind with their places."""
        for row in self.rows.get(kind, []):
            if isinstance(row.entry, kind):
                yield row.place, row.entry

    def is_complete(self, kind: type[Entry]) -> bool:
        """Tell whether all entries of a kind could be read; otherwise nothing may be called missing."""
        rows = self.rows.get(kind)
        return rows is not None and all(row.entry is not None for row in rows)

    def codes(self, kind: type[Entry]) -> list[str] | None:
        """Return the codes written in a file, wrong entries included, or None when not all could be read."""
        rows = self.rows.get(kind)
        return None if rows is None or not all(row.code for row in rows) else [row.code for row in rows]


def read_tables(folder: Path, problems: Problems) -> Tables:
    """Read every file of a plant's folder; mistakes go into `problems`."""
    tables = Tables()
    if not folder.is_dir():
        problems.add(Place(str(folder)), "no such folder", "name a folder with " + ", ".join(FILES))
        return tables
    for stray in sorted(path.name for path in folder.glob("*.toml") if path.name not in FILES):
        problems.add(Place(stray), "unknown file", choice(stray, FILES, "the files are"))
    for name in FILES:
        content = _parse(folder / name, problems)
        if content is not None:
            _read_file(name, *content, tables=tables, problems=problems)
    return tables


def _parse(path: Path, problems: Problems) -> tuple[dict[str, Any], str] | None:
    place = Place(path.name)
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text), text
    except FileNotFoundError:
        problems.add(place, "the file is missing", "every plant has " + ", ".join(FILES))
    except UnicodeDecodeError as error:
        problems.add(place, f"byte {error.start} is not UTF-8", "save the file as UTF-8 text")
    except OSError as error:
        problems.add(place, f"cannot be read ({error.strerror})", "give read permission on a plain file")
    except tomllib.TOMLDecodeError as error:
        problems.add(place, f"not TOML: {error}", "mend that line; https://toml.io has the rules")
    return None


def _read_file(name: str, content: dict[str, Any], text: str, *, tables: Tables, problems: Problems) -> None:
    known = FILES[name]
    for key in content:
        if key not in known:
            problems.add(Place(name, key), "unknown table", choice(key, known, "the tables of this file are"))
    for key, kind in known.items():
        place, raw = Place(name, key), content.get(key, [])
        if kind is SiteEntry:
            tables.rows[kind] = _read_site(place, content.get(key), problems)
        elif not isinstance(raw, list):
            problems.add(place, f"found {shown(raw)}", f"write one [[{key}]] per entry")
        elif key in content or known.keys() >= content.keys():  # else it may be there under a wrong name
            tables.rows[kind] = _read_list(place, kind, raw, lines=_header_lines(text, key), problems=problems)


def _read_site(place: Place, raw: object, problems: Problems) -> list[Row]:
    if raw is None:
        problems.add(place, "missing", "write one table [site]")
        return []
    return [Row(place, "site", decode_entry(SiteEntry, raw, place, problems))]


def _read_list(
    place: Place, kind: type[Entry], raw: list[object], *, lines: list[int], problems: Problems
) -> list[Row]:
    rows = []
    for index, table in enumerate(raw):
        code = table.get("code") if isinstance(table, dict) else None
        code = code if isinstance(code, str) else ""
        line = f"line {lines[index]}" if len(lines) == len(raw) else ""
        entry = ", ".join(part for part in (code, line) if part)
        spot = structs.replace(place.item(index), entry=entry)
        rows.append(Row(spot, code, decode_entry(kind, table, spot, problems)))
    return rows


def _header_lines(text: str, table: str) -> list[int]:
    header = re.compile(rf"\s*\[\[\s*{table}\s*\]\]")
    return [number for number, line in enumerate(text.splitlines(), start=1) if header.match(line)]


# --- one table ----------------------------------------------------------------------------------


def decode_entry(kind: type[_EntryType], raw: object, place: Place, problems: Problems) -> _EntryType | None:
    """Decode a table into a type; every wrong, missing and unknown key is noted, and None returned if any."""
    if not isinstance(raw, dict):
        problems.add(place, f"found {shown(raw)}", "allowed: a table")
        return None
    before = len(problems.mistakes)
    fields = {each.name: each for each in structs.fields(kind)}
    for key in raw:
        if key not in fields:
            problems.add(place.at(key), "unknown key", choice(key, fields, "the keys here are"))
    for name, each in fields.items():
        if each.required and name not in raw:
            problems.add(place.at(name), "missing", f"needed: {allowed(each.type)}")
    values = {
        name: _decode_value(each.type, raw[name], place.at(name), problems)
        for name, each in fields.items()
        if name in raw
    }
    return kind(**values) if len(problems.mistakes) == before else None


def _decode_value(annotation: object, raw: object, place: Place, problems: Problems) -> object:
    bare = bare_type(annotation)
    if isinstance(bare, type) and issubclass(bare, Entry):
        return decode_entry(bare, raw, place, problems)
    if get_origin(bare) is tuple and isinstance(raw, list):
        if not raw and _is_never_empty(annotation):
            problems.add(place, "found an empty list", f"allowed: {allowed(annotation)}")
        inner = get_args(bare)[0]
        return tuple(_decode_value(inner, item, place.item(index), problems) for index, item in enumerate(raw))
    if get_origin(bare) is dict and isinstance(raw, dict):
        key_type, value_type = get_args(bare)
        for key in raw:
            _decode_value(key_type, key, place.at(key), problems)
        return {key: _decode_value(value_type, item, place.at(key), problems) for key, item in raw.items()}
    return _decode_plain(annotation, raw, place, problems)


def _decode_plain(annotation: Any, raw: object, place: Place, problems: Problems) -> object:
    try:
        value: object = msgspec.convert(raw, annotation)
    except msgspec.ValidationError:
        problems.add(place, f"found {shown(raw)}", f"allowed: {allowed(annotation)}")
        return None
    if isinstance(value, float) and not math.isfinite(value):
        problems.add(place, f"found {value}", "a finite number is allowed; leave a limit out to have none")
    return value


def _is_never_empty(annotation: Any) -> bool:
    info = plain_type(annotation)
    return isinstance(info, inspect.VarTupleType) and bool(info.min_length)
