"""Reading a plant's TOML files table by table, keeping every mistake: file, key path, what was found, what is allowed."""

import math
import re
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import UNSET, inspect, structs

from cellwright.plant.config.entries import FILES, Entry, SiteEntry
from cellwright.plant.config.files import parse_file
from cellwright.plant.config.problems import Place, Problems
from cellwright.plant.config.tables import Row, Tables
from cellwright.plant.config.words import INTEGER_BITS, allowed, bare_type, choice, plain, plain_type, shown

_EntryType = TypeVar("_EntryType", bound=Entry)


def read_tables(folder: Path, problems: Problems) -> Tables:
    """Read every file of a plant's folder; mistakes go into `problems`."""
    tables = Tables()
    if not folder.is_dir():
        problems.add(Place(str(folder)), "no such folder", "name a folder with " + ", ".join(FILES))
        return tables
    for stray in sorted(path.name for path in folder.glob("*.toml") if path.name not in FILES):
        problems.add(Place(plain(stray)), "unknown file", choice(stray, FILES, "the files are"))
    for name in FILES:
        content = parse_file(folder / name, problems)
        if content is not None:
            _read_file(name, *content, tables=tables, problems=problems)
    return tables


def _read_file(name: str, content: dict[str, Any], text: str, *, tables: Tables, problems: Problems) -> None:
    known = FILES[name]
    for key in content:
        if key not in known:
            problems.add(Place(name).at(key), "unknown table", choice(key, known, "the tables of this file are"))
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
        entry = ", ".join(part for part in (plain(code), line) if part)
        spot = structs.replace(place.item(index), entry=entry)
        rows.append(Row(spot, code, decode_entry(kind, table, spot, problems)))
    return rows


def _header_lines(text: str, table: str) -> list[int]:
    header = re.compile(rf"\s*\[\[\s*{table}\s*\]\]")
    return [number for number, line in enumerate(text.split("\n"), start=1) if header.match(line)]


# --- one table ----------------------------------------------------------------------------------


def decode_entry(kind: type[_EntryType], raw: object, place: Place, problems: Problems) -> _EntryType | None:
    """Decode a table into a type; every wrong, missing and unknown key is noted, and what is not known is UNSET.

    Beside an unknown key, a key that was left out is not known: it may be the one that was meant.
    """
    if not isinstance(raw, dict):
        problems.add(place, f"found {shown(raw)}", "allowed: a table")
        return None
    fields = {each.name: each for each in structs.fields(kind)}
    unknown = [key for key in raw if key not in fields]
    for key in unknown:
        problems.add(place.at(key), "unknown key", choice(key, fields, "the keys here are"))
    values: dict[str, object] = {}
    for name, each in fields.items():
        if each.required and name not in raw:
            problems.add(place.at(name), "missing", f"needed: {allowed(each.type)}")
        if name not in raw and (each.required or unknown):
            values[name] = UNSET
    for name, each in fields.items():
        if name in raw:
            values[name] = _decode_value(each.type, raw[name], place.at(name), problems)
    return kind(**values)


def _decode_value(annotation: object, raw: object, place: Place, problems: Problems) -> object:
    bare = bare_type(annotation)
    if isinstance(bare, type) and issubclass(bare, Entry):
        return decode_entry(bare, raw, place, problems) or UNSET
    if get_origin(bare) is tuple and isinstance(raw, list):
        if not raw and _is_never_empty(annotation):
            problems.add(place, "found an empty list", f"allowed: {allowed(annotation)}")
            return UNSET
        inner = get_args(bare)[0]
        return tuple(_decode_value(inner, item, place.item(index), problems) for index, item in enumerate(raw))
    if get_origin(bare) is dict and isinstance(raw, dict):
        key_type, value_type = get_args(bare)
        named = {key: _decode_value(key_type, key, place.at(key), problems) for key in raw}
        values = {key: _decode_value(value_type, item, place.at(key), problems) for key, item in raw.items()}
        return {key: value for key, value in values.items() if named[key] is not UNSET}
    return _decode_plain(annotation, raw, place, problems)


def _decode_plain(annotation: Any, raw: object, place: Place, problems: Problems) -> object:
    try:
        value: object = msgspec.convert(raw, annotation)
    except msgspec.ValidationError:
        problems.add(place, f"found {shown(raw)}", f"allowed: {allowed(annotation)}")
        return UNSET
    if isinstance(value, float) and not math.isfinite(value):
        problems.add(place, f"found {value}", "a finite number is allowed; leave a limit out to have none")
        return UNSET
    if isinstance(value, int) and value.bit_length() > INTEGER_BITS:
        problems.add(place, f"found {shown(value)}", "write a smaller number; check its unit")
        return UNSET
    return value


def _is_never_empty(annotation: Any) -> bool:
    info = plain_type(annotation)
    return isinstance(info, inspect.VarTupleType) and bool(info.min_length)
