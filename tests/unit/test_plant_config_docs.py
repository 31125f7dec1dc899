"""The pages on plant files say what the types say, and their worked example works."""

import re
from pathlib import Path

import msgspec
import pytest
from msgspec import NODEFAULT, inspect, structs

from cellwright.plant.config import load_plant, read_plant, route_bodies
from cellwright.plant.config.entries import FILES, Entry
from cellwright.plant.config.units import UNITS
from cellwright.plant.config.words import allowed
from cellwright.testing.how_to import APPEND, CHANGE, follow_page

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "docs" / "reference" / "plant-files.md").read_text()
HOW_TO = (ROOT / "docs" / "how-to" / "add-a-station.md").read_text()
DEFAULT = ROOT / "plants" / "lfp32700"


def nested(kind: type[Entry]) -> list[type[Entry]]:
    """A type and the types of its inner tables."""
    found = [kind]
    for each in structs.fields(kind):
        text = str(each.type)
        found += [inner for inner in Entry.__subclasses__() if f".{inner.__name__}" in text]
    return found


KINDS = {inner: None for tables in FILES.values() for kind in tables.values() for inner in nested(kind)}


LONG_WORDS = re.compile("(a name|a code) of .*? beginning with a letter")
"""Explained once at the top of the page."""


def default_of(field: structs.FieldInfo) -> str:
    if field.required:
        return "needed"
    if field.default is NODEFAULT:
        return "left out"
    return "left out" if field.default is None else f"`{msgspec.json.encode(field.default).decode()}`"


def described(field: structs.FieldInfo) -> str:
    info = inspect.type_info(field.type)
    assert isinstance(info, inspect.Metadata), f"{field.name} has no description"
    return str((info.extra_json_schema or {})["description"])


def rendered(kind: type[Entry]) -> str:
    lines = ["| key | holds | default | meaning |", "|---|---|---|---|"]
    for field in structs.fields(kind):
        words = LONG_WORDS.sub(r"\1", allowed(field.type))
        lines.append(f"| `{field.name}` | {words} | {default_of(field)} | {described(field)} |")
    return "\n".join(lines)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_reference_has_every_key(kind: type[Entry]) -> None:
    assert rendered(kind) in REFERENCE


def test_reference_has_no_other_key() -> None:
    keys = sum(len(structs.fields(kind)) for kind in KINDS)
    rows = [line for line in REFERENCE.splitlines() if re.match(r"\| `[a-z_0-9]+` \| .* \| .* \| .* \|", line)]
    assert len(rows) == keys


def test_reference_has_every_file_table_and_unit() -> None:
    for name, tables in FILES.items():
        assert f"## {name}" in REFERENCE
        for table in tables:
            assert f"`[{table}]`" in REFERENCE or f"`[[{table}]]`" in REFERENCE
    assert ", ".join(f"`{unit}`" for unit in sorted(UNITS)) in REFERENCE


# --- the worked example -------------------------------------------------------------------------


@pytest.fixture
def example(tmp_path: Path) -> Path:
    return follow_page(HOW_TO, DEFAULT, tmp_path / "my-plant")


def test_example_uses_every_snippet() -> None:
    assert len(APPEND.findall(HOW_TO)) == HOW_TO.count("```toml") == 4
    assert len(CHANGE.findall(HOW_TO)) == HOW_TO.count("```diff") == 1


def test_example_adds_one_station(example: Path) -> None:
    reading = read_plant(example)
    assert (reading.problems, reading.warnings) == ((), ())
    before, after = load_plant(DEFAULT), load_plant(example)
    assert set(after.stations) - set(before.stations) == {"WEIGH-01"}
    codes = [each.code for each in after.routes["cell"].operations]
    assert codes[codes.index("filling") : codes.index("sealing") + 1] == ["filling", "weighing", "sealing"]
    assert after.recipes["weighing"].released


def test_example_changes_one_route(example: Path) -> None:
    changed = [
        old != new
        for old, new in zip(route_bodies(load_plant(DEFAULT)), route_bodies(load_plant(example)), strict=True)
    ]
    assert changed == [True, False, False]
