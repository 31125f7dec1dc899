"""The reference page of GB/T 32960, written from the tables that the codec works by."""

from collections.abc import Iterator
from typing import Final

from cellwright.links.gb32960.commands import DATA, PARAMETERS, Command
from cellwright.links.gb32960.fields import REST, Field, Listed, Number, Opaque, Switch, Text, Time
from cellwright.links.gb32960.tables import ALARM_NAMES, UNITS, USER_UNITS, Edition

HEAD: Final = """# Vehicles: GB/T 32960

Frames of vehicles and platforms, editions 2016 (GB/T 32960.3-2016, start `23 23`) and 2025 (GB/T 32960.3-2025, start `24 24`).
This page is written from the tables that the codec works by. `cellwright fleet decode` shows what frames say; Python has
the same:

| function | what it does |
|---|---|
| `cellwright.links.gb32960.decode_gb32960(frame or list)` | a `Decoded` for each frame: message in raw values, whether the BCC is right, problems; it never raises |
| `cellwright.links.gb32960.encode_gb32960(message)` | the frame of a message; ValueError for what the tables do not allow |
| `links.gb32960.composing.unit_from(edition, name, **values)` | a unit from physical values |
| `links.gb32960.columns.ColumnDecoder().decode(frames)` | a batch at once: frames of one layout as columns of numbers |
| `links.gb32960.streams.Splitter` | cuts a stream into frames |

A raw number is kept as it was sent. Physical value = raw / divisor + offset. All ones say `invalid`, one less `abnormal`: the
physical value is then unknown (null), and `states` says which it was. A count in such a state counts nothing.
All times are of Beijing (UTC+8).

## What may be wrong with a frame

The status is the gravest; every problem is told with its place. What was not understood is kept, and what comes before it is
read.

| status | meaning |
|---|---|
| `ok` | all was understood; a signature is kept, not verified |
| `bad_length` | the length does not say where the frame ends |
| `bad_bcc` | the check byte differs: a byte was changed on the way, or after; the content is read all the same |
| `bad_structure` | no frame, a command that is not defined, or content shorter than its counts say |
| `unknown_unit` | a unit whose length nobody defined: it and what follows is kept unread |
| `trailing_bytes` | more than the command or the signature holds, or bytes after the frame |
"""


def gb32960_page() -> str:
    """Return the page."""
    parts = [HEAD]
    for edition in Edition:
        parts.append(f"\n## Units of reports, {edition}\n")
        units = {number: table for number, table in UNITS[edition].items() if number not in USER_UNITS}
        parts += [f"\n### `{number:#04x}` {table.name}\n\n{_table(table.fields)}" for number, table in units.items()]
        parts.append(f"\n### `0x80` to `0xfe` user_80 to user_fe\n\n{_table(UNITS[edition][0x80].fields)}")
    for edition in Edition:
        parts.append(f"\n## Commands, {edition}\n")
        parts += [
            f"\n### `{number:#04x}` {Command(number).name.lower()}\n\n{_table(fields)}"
            for number, fields in DATA[edition].items()
        ]
        parts.append(f"\n### Parameters of {edition}\n\n{_table(_parameters(edition))}")
    names = "\n".join(f"| {bit} | `{name}` |" for bit, name in enumerate(ALARM_NAMES))
    parts.append(f"\n## Alarms\n\nThose from bit 19 on are of 2025.\n\n| bit | alarm |\n|---|---|\n{names}\n")
    return "".join(parts)


def _parameters(edition: Edition) -> tuple[Field, ...]:
    return tuple(field for fields in PARAMETERS[edition].values() for field in fields)


def _table(fields: tuple[Field, ...]) -> str:
    if not fields:
        return "Nothing.\n"
    rows = "\n".join(f"| {' | '.join(row)} |" for row in _rows(fields, ""))
    return f"| field | bytes | value | states |\n|---|---|---|---|\n{rows}\n"


def _rows(fields: tuple[Field, ...], prefix: str) -> Iterator[tuple[str, ...]]:
    for each in fields:
        if isinstance(each, Switch):
            yield f"{prefix}what follows", "-", f"depends on `{each.on}`", "-"
        elif isinstance(each, Listed):
            yield from _list_rows(each, prefix)
        elif isinstance(each, Number):
            yield _number_row(each, f"{prefix}`{each.name}`")
        else:
            yield f"{prefix}`{each.name}`", _size(each), _kind(each), "-"


def _list_rows(listed: Listed, prefix: str) -> Iterator[tuple[str, ...]]:
    name, bare = f"{prefix}`{listed.name}`, `{listed.count}` times", listed.bare
    if isinstance(bare, Number):
        yield _number_row(bare, name)
    elif bare is not None:
        yield name, _size(bare), _kind(bare), "-"
    else:
        yield name, "-", "items of", "-"
        yield from _rows(listed.item, f"{prefix}· ")


def _number_row(number: Number, name: str) -> tuple[str, ...]:
    codes = ", ".join(f"{raw} {said}" for raw, said in number.codes.items())
    formula = "raw" if number.divisor == 1 else f"raw / {number.divisor}"
    formula += f" {'-' if number.offset < 0 else '+'} {abs(number.offset)}" if number.offset else ""
    physical = f"{formula} {number.unit}".strip()
    value = f"{physical}; {codes}" if codes and number.unit else codes or physical
    return name, str(number.size), value, "invalid, abnormal" if number.has_states else "none"


def _size(field: Text | Opaque | Time) -> str:
    if isinstance(field, Time):
        return "6"
    return "the rest" if field.size == REST else f"{field.size}" if isinstance(field.size, int) else f"`{field.size}`"


def _kind(field: Text | Opaque | Time) -> str:
    return {Text: "text (GB 18030)", Opaque: "bytes", Time: "time"}[type(field)]
