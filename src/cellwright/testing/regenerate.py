"""Write golden files and reference pages anew: `python -m cellwright.testing.regenerate` in a checkout.

Lines of golden facts are never changed: a line is added when a type is new or has grown.
"""

from pathlib import Path

import msgspec

from cellwright.testing.docs import commands_page, facts_page
from cellwright.testing.docs_gb32960 import gb32960_page
from cellwright.testing.golden import refusal_lines, sample_envelopes, schemas

ROOT = Path(__file__).parents[3]


def regenerate(root: Path = ROOT) -> None:
    """Write everything under a checkout's root."""
    golden, pages = root / "tests" / "golden", root / "docs" / "reference"
    for folder in (golden / "facts", golden / "refusals", golden / "schemas", pages):
        folder.mkdir(parents=True, exist_ok=True)
    for name, envelope in sample_envelopes().items():
        append_fact(golden / "facts" / f"{name}.jsonl", msgspec.json.encode(envelope))
    (golden / "refusals" / "answers.jsonl").write_bytes(b"".join(line + b"\n" for line in refusal_lines()))
    for name, schema in schemas().items():
        (golden / "schemas" / name).write_bytes(schema)
    (pages / "commands.md").write_text(commands_page(), encoding="utf-8")
    (pages / "facts.md").write_text(facts_page(), encoding="utf-8")
    (pages / "gb32960.md").write_text(gb32960_page(), encoding="utf-8")


def append_fact(path: Path, line: bytes) -> None:
    """Add a golden line unless the newest one already has every field."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    if lines and _shape(msgspec.json.decode(lines[-1])) == _shape(msgspec.json.decode(line)):
        return
    path.write_bytes(b"".join(each + b"\n" for each in [*lines, line]))


def _shape(value: object) -> object:
    """Return the names of all fields of a JSON value, without its values."""
    if isinstance(value, dict):
        return {name: _shape(each) for name, each in sorted(value.items())}
    if isinstance(value, list):
        shapes = [_shape(each) for each in value]
        return [shape for index, shape in enumerate(shapes) if shape not in shapes[:index]]
    return None


if __name__ == "__main__":
    regenerate()
