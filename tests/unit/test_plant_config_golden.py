"""Every mistake that a plant's files can hold: one folder per case, found by itself.

A case's files replace those of `base`; `NAME.absent` removes one. `expected.txt` holds the messages, one a line.
"""

import shutil
from pathlib import Path

import pytest

from cellwright.errors import ConfigurationError
from cellwright.plant.config import load_plant, read_plant

GOLDEN = Path(__file__).parents[1] / "golden" / "plants"
BASE = GOLDEN / "base"
CASES = sorted(path.parent for path in GOLDEN.glob("*/expected.txt"))


def build(case: Path, folder: Path) -> Path:
    shutil.copytree(BASE, folder)
    for path in case.iterdir():
        if path.suffix == ".absent":
            (folder / path.stem).unlink()
        elif path.suffix == ".toml":
            shutil.copy(path, folder)
    return folder


def test_base_has_nothing_to_say() -> None:
    reading = read_plant(BASE)
    assert reading.plant is not None
    assert (reading.problems, reading.warnings) == ((), ())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path, tmp_path: Path) -> None:
    folder = build(case, tmp_path / "plant")
    reading = read_plant(folder)
    lines = [*reading.problems, *(f"warning: {each}" for each in reading.warnings)]
    assert lines == (case / "expected.txt").read_text().splitlines()
    assert (reading.plant is None) == bool(reading.problems)
    if reading.problems:
        with pytest.raises(ConfigurationError) as caught:
            load_plant(folder)
        assert caught.value.problems == reading.problems


def test_every_folder_is_a_case() -> None:
    folders = {path for path in GOLDEN.iterdir() if path.is_dir()}
    assert folders - {BASE} == set(CASES)
