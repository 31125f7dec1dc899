"""What a printed code says: GB/T 34014-2017, field by field, for cell, module and pack, and for second use.

The clauses of the standard were not at hand. The layout is that of public validators (three plants' systems, the pattern of
Catena-X TractionBatteryCode 2.0.0) and of a car maker's test tool; where sources differ, a reading carries a warning.
The code has no check digit: a misread character that is possible at its place is another code.
"""

from calendar import monthrange
from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from cellwright.model.ids import (
    CODE_ALPHABET,
    CODE_DAYS,
    CODE_FIRST_YEAR,
    CODE_KINDS,
    CODE_LENGTH,
    CODE_MONTHS,
    CODE_YEARS,
    SERIAL_LENGTH,
    UnitKind,
)

SECOND_USE_LENGTH = 19
"""Characters of a second-use code: without the 7 of traceability, with R and the product type at its end."""

BATTERY_TYPES = {
    "A": "nickel-metal hydride (NiMH)",
    "B": "lithium iron phosphate (LFP)",
    "C": "lithium manganese oxide (LMO)",
    "D": "lithium cobalt oxide (LCO)",
    "E": "ternary (NCM, NCA)",
    "F": "supercapacitor",
    "G": "lithium titanate (LTO)",
    "Z": "other",
}

YEAR_TABLES = {
    "validators": ("123456789ABCDEFGHJKLMNPRSTVWXY", 2011, "public validators, which leave out I, O, Q, U and Z"),
    "issued": (CODE_YEARS, CODE_FIRST_YEAR, "the same table, begun anew after 30 years: what Cellwright prints"),
    "decoder": ("0123456789ABCDEFGHJKLMNPRSTUV", 2010, "a published decoder, which leaves out I, O and Q only"),
    "alphabet": ("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 2010, "a published app, which leaves out no letter"),
}
"""Tables of the year's character that are in use: characters in order, year of the first, whose it is."""

_LOOK_ALIKE = {"I": "1", "O": "0", "Q": "0"}
_DESIGN = (("manufacturer", 3), ("kind", 1), ("battery_type", 1), ("specification", 2))
_PRODUCTION = (("year", 1), ("month", 1), ("day", 1), ("serial", SERIAL_LENGTH))
_LAYOUTS = {
    CODE_LENGTH: (*_DESIGN, ("traceability", 7), *_PRODUCTION),
    SECOND_USE_LENGTH: (*_DESIGN, *_PRODUCTION, ("reuse", 1), ("reuse_kind", 1)),
}
_KINDS_WANTED = "C (cell), M (module) or P (pack)"
_WANTED = {
    "manufacturer": (CODE_ALPHABET, "a digit or capital letter of the manufacturer's code"),
    "kind": (frozenset(CODE_KINDS), f"the product type, {_KINDS_WANTED}"),
    "battery_type": (frozenset(BATTERY_TYPES), "the battery type, A to G or Z"),
    "specification": (CODE_ALPHABET, "a digit or capital letter of the specification code"),
    "traceability": (CODE_ALPHABET, "a digit or capital letter of the traceability code"),
    "year": (frozenset(CODE_YEARS), "the year, 1 to 9 or a capital letter without I, O, Q, U and Z"),
    "month": (frozenset(CODE_MONTHS), "the month, 1 to 9, A = 10, B = 11 or C = 12"),
    "day": (frozenset(CODE_DAYS), "the day, 1 to 9, a letter for 10 to 30 (without I, O, Q, U and Z), 0 = 31"),
    "serial": (frozenset("0123456789"), "a digit of the serial number"),
    "reuse": (frozenset("R"), "R, which marks a second-use code"),
    "reuse_kind": (frozenset(CODE_KINDS), f"the product type of second use, {_KINDS_WANTED}"),
}
_TABLES = {
    "manufacturer": "assigned when the manufacturer registers its codes",
    "kind": "C cell, M module, P pack",
    "battery_type": "A NiMH, B LFP, C LMO, D LCO, E ternary, F supercapacitor, G LTO, Z other",
    "specification": "filed by the manufacturer",
    "traceability": "filed by the manufacturer, free structure",
    "year": "1 to 9 = 2011 to 2019, A to Y without I, O, Q, U = 2020 to 2040",
    "month": "1 to 9, A = 10, B = 11, C = 12",
    "day": "1 to 9, A to Y without I, O, Q, U = 10 to 30, 0 = 31",
    "serial": "0000001 to 9999999, in order of making on the day",
    "reuse": "R second use; the code of first use stays on the product",
    "reuse_kind": "C cell, M module, P pack",
}


class NoteKind(StrEnum):
    """What a note about a code is about; the first three are faults, the others warnings."""

    LENGTH = "length"
    CHARACTER = "character"
    DATE = "date"
    YEAR_DIFFERS = "year_differs"
    LOOK_ALIKE = "look_alike"
    SERIAL_ZERO = "serial_zero"


class CodeNote(Struct, frozen=True, kw_only=True):
    """A fault or a warning, and the characters that it is about, counted from 1."""

    kind: NoteKind
    position: int
    length: int
    text: str


class YearReading(Struct, frozen=True):
    """A year that a year's character may mean, and the table (`YEAR_TABLES`) that says so."""

    year: int
    table: str


class BatteryCode(Struct, frozen=True, kw_only=True):
    """The fields of a well-formed code. `reuse` is the product type of second use, None = first use."""

    manufacturer: str
    kind: UnitKind
    battery_type: str
    """A key of `BATTERY_TYPES`."""
    specification: str
    traceability: str
    """Empty in a second-use code."""
    year_code: str
    month: int
    day: int
    serial: int
    reuse: UnitKind | None = None

    @property
    def years(self) -> tuple[YearReading, ...]:
        """What the year's character may mean, the best supported first; each year once."""
        return year_readings(self.year_code)

    @property
    def year(self) -> int:
        """The best supported year."""
        return self.years[0].year


class CodeField(Struct, frozen=True, kw_only=True):
    """A field of a code: where it stands, what is printed, its value, and both in words."""

    name: str
    position: int
    length: int
    text: str
    value: str
    meaning: str
    table: str


class CodeReading(Struct, frozen=True, kw_only=True):
    """What was read of a text; `code` is None when it has problems."""

    text: str
    code: BatteryCode | None
    problems: tuple[CodeNote, ...]
    warnings: tuple[CodeNote, ...]


def parse_code(text: str) -> CodeReading:
    """Return what a code of 24 characters, or of 19 for second use, says, with every fault and its position."""
    layout = _LAYOUTS.get(len(text))
    problems = (*(_length_problems(text) if layout is None else ()), *_character_problems(text, layout))
    code = None if problems or layout is None else _code_of(_split(text, layout))
    if code is not None and not _is_a_day(code):
        problems, code = (_date_problem(code, text),), None
    return CodeReading(text=text, code=code, problems=problems, warnings=() if code is None else tuple(_warnings(code)))


def compose_code(code: BatteryCode) -> str:
    """Return the text of a code; the inverse of `parse_code`."""
    letters = {kind: letter for letter, kind in CODE_KINDS.items()}
    design = code.manufacturer + letters[code.kind] + code.battery_type + code.specification
    date = code.year_code + CODE_MONTHS[code.month - 1] + CODE_DAYS[code.day - 1]
    tail = "" if code.reuse is None else f"R{letters[code.reuse]}"
    return f"{design}{code.traceability}{date}{code.serial:0{SERIAL_LENGTH}d}{tail}"


def year_readings(character: str) -> tuple[YearReading, ...]:
    """Return the years that a character may mean, the best supported first; each year once, by its first table."""
    found: dict[int, YearReading] = {}
    for name, (letters, first, _) in YEAR_TABLES.items():
        if character in letters:
            year = first + letters.index(character)
            found.setdefault(year, YearReading(year, name))
    return tuple(found.values())


def explain(code: BatteryCode) -> tuple[CodeField, ...]:
    """Return the fields of a code in their order, with what each means and by which table."""
    text, values, at = compose_code(code), _values(code), 0
    fields = []
    for name, length in _LAYOUTS[len(text)]:
        value, meaning = values[name]
        shown = text[at : at + length]
        fields.append(
            CodeField(
                name=name, position=at + 1, length=length, text=shown, value=value, meaning=meaning, table=_TABLES[name]
            )
        )
        at += length
    return tuple(fields)


def _values(code: BatteryCode) -> dict[str, tuple[str, str]]:
    reuse = "" if code.reuse is None else code.reuse.value
    return {
        "manufacturer": (code.manufacturer, "manufacturer's code"),
        "kind": (code.kind.value, code.kind.value),
        "battery_type": (code.battery_type, BATTERY_TYPES[code.battery_type]),
        "specification": (code.specification, "specification code"),
        "traceability": (code.traceability, "traceability information code"),
        "year": (str(code.year), f"year {' or '.join(str(each.year) for each in code.years)}"),
        "month": (str(code.month), f"month {code.month}"),
        "day": (str(code.day), f"day {code.day}"),
        "serial": (str(code.serial), f"number {code.serial} of its kind on the day"),
        "reuse": ("R", "second use"),
        "reuse_kind": (reuse, f"used again as a {reuse}"),
    }


def _length_problems(text: str) -> Iterator[CodeNote]:
    wanted = f"{CODE_LENGTH} are needed, or {SECOND_USE_LENGTH} for second use"
    yield CodeNote(
        kind=NoteKind.LENGTH,
        position=min(len(text), CODE_LENGTH) + 1,
        length=max(1, len(text) - CODE_LENGTH),
        text=f"the code has {len(text)} characters; {wanted}; read the whole label again",
    )


def _character_problems(text: str, layout: tuple[tuple[str, int], ...] | None) -> Iterator[CodeNote]:
    names = [name for name, length in layout for _ in range(length)] if layout else ["manufacturer"] * len(text)
    for position, (character, name) in enumerate(zip(text, names, strict=True), 1):
        allowed, wanted = _WANTED[name]
        if character not in allowed:
            wanted = wanted if layout else "a digit or capital letter"
            other = "".join(_other_tables(character)) if name == "year" else ""
            sentence = f"character {position} is {character!a}; expected {wanted}{other}; read the label again"
            yield CodeNote(kind=NoteKind.CHARACTER, position=position, length=1, text=sentence)


def _other_tables(character: str) -> Iterator[str]:
    for each in year_readings(character):
        yield f"; {YEAR_TABLES[each.table][2]}, has {each.year} for it"


def _split(text: str, layout: tuple[tuple[str, int], ...]) -> dict[str, str]:
    parts, at = {"traceability": ""}, 0
    for name, length in layout:
        parts[name] = text[at : at + length]
        at += length
    return parts


def _code_of(parts: dict[str, str]) -> BatteryCode:
    return BatteryCode(
        manufacturer=parts["manufacturer"],
        kind=CODE_KINDS[parts["kind"]],
        battery_type=parts["battery_type"],
        specification=parts["specification"],
        traceability=parts["traceability"],
        year_code=parts["year"],
        month=CODE_MONTHS.index(parts["month"]) + 1,
        day=CODE_DAYS.index(parts["day"]) + 1,
        serial=int(parts["serial"]),
        reuse=CODE_KINDS[parts["reuse_kind"]] if "reuse_kind" in parts else None,
    )


def _is_a_day(code: BatteryCode) -> bool:
    return any(code.day <= monthrange(each.year, code.month)[1] for each in code.years)


def _date_problem(code: BatteryCode, text: str) -> CodeNote:
    layout = _LAYOUTS[len(text)]
    before = [name for name, _ in layout].index("year")
    position = sum(length for _, length in layout[:before]) + 1
    shown = text[position - 1 : position + 2]
    sentence = f"characters {position} to {position + 2}, {shown!r}, are {code.year}-{code.month:02d}-{code.day:02d}"
    sentence += ", a day that the calendar does not have; read the label again"
    return CodeNote(kind=NoteKind.DATE, position=position, length=3, text=sentence)


def _warnings(code: BatteryCode) -> Iterator[CodeNote]:
    for each in explain(code):
        if each.name == "year":
            yield from _year_warnings(code, each)
        elif each.name == "serial" and code.serial == 0:
            sentence = "the serial number is 0; sources count from 1: ask the manufacturer"
            yield CodeNote(kind=NoteKind.SERIAL_ZERO, position=each.position, length=each.length, text=sentence)
        elif each.name in {"manufacturer", "specification", "traceability"}:
            yield from _look_alikes(each)


def _year_warnings(code: BatteryCode, field: CodeField) -> Iterator[CodeNote]:
    if len(code.years) > 1:
        readings = "; ".join(f"{each.year} ({YEAR_TABLES[each.table][2]})" for each in code.years)
        sentence = f"sources differ about the year {code.year_code!r}: {readings}; ask the manufacturer which it uses"
        yield CodeNote(kind=NoteKind.YEAR_DIFFERS, position=field.position, length=1, text=sentence)


def _look_alikes(field: CodeField) -> Iterator[CodeNote]:
    for position, character in enumerate(field.text, field.position):
        if character in _LOOK_ALIKE:
            other = _LOOK_ALIKE[character]
            sentence = (
                f"character {position} is the letter {character}, easily taken for {other}: compare with the label"
            )
            yield CodeNote(kind=NoteKind.LOOK_ALIKE, position=position, length=1, text=sentence)
