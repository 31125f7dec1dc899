"""Every mistake that a plant's files can hold: one folder per case, found by itself.

A case's files replace those of `base`. `NAME.absent` removes one, `NAME.folder` makes it a folder, `NAME.size` makes it
as many bytes long, `NAME.unreadable` forbids to read it. `expected.txt` holds the messages, one a line.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cellwright.errors import ConfigurationError
from cellwright.plant.config import load_plant, read_plant

GOLDEN = Path(__file__).parents[1] / "golden" / "plants"
BASE = GOLDEN / "base"
CASES = sorted(path.parent for path in GOLDEN.glob("*/expected.txt"))


NOBODY = 65534


def make_folder(path: Path, _: str) -> None:
    path.unlink()
    path.mkdir()


def fill(path: Path, text: str) -> None:
    path.write_text("#" * int(text))


SPOIL: dict[str, Callable[[Path, str], None]] = {
    ".absent": lambda path, _: path.unlink(),
    ".folder": make_folder,
    ".size": fill,
    ".unreadable": lambda path, _: path.chmod(0),
}


def build(case: Path, folder: Path) -> Path:
    shutil.copytree(BASE, folder)
    for path in case.iterdir():
        if path.suffix == ".toml":
            shutil.copy(path, folder)
        elif path.suffix in SPOIL:
            SPOIL[path.suffix](folder / path.stem, path.read_text())
    return folder


@contextmanager
def nobody() -> Iterator[None]:
    """Be a user whom a file can forbid to be read: root may read all."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder that every user may enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_base_has_nothing_to_say() -> None:
    reading = read_plant(BASE)
    assert reading.plant is not None
    assert (reading.problems, reading.warnings) == ((), ())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path, scratch: Path) -> None:
    folder = build(case, scratch / "plant")
    with nobody():
        reading = read_plant(folder)
    lines = [*reading.problems, *(f"warning: {each}" for each in reading.warnings)]
    assert lines == (case / "expected.txt").read_text().splitlines()
    assert (reading.plant is None) == bool(reading.problems)
    if reading.problems:
        with nobody(), pytest.raises(ConfigurationError) as caught:
            load_plant(folder)
        assert caught.value.problems == reading.problems


def test_every_folder_is_a_case() -> None:
    folders = {path for path in GOLDEN.iterdir() if path.is_dir()}
    assert folders - {BASE} == set(CASES)
