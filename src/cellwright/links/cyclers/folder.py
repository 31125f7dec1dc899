"""The folder of a cycler: files that wait in it, `taken` for those that are done, `rejected` for those that are not right."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

TAKEN: Final = "taken"
REJECTED: Final = "rejected"
_UNFINISHED_S: Final = 60.0
_US_PER_S: Final = 1_000_000


def make_folder(root: Path) -> None:
    """Make the folder and those below it."""
    for name in (TAKEN, REJECTED):
        (root / name).mkdir(parents=True, exist_ok=True)


def waiting_files(root: Path) -> list[Path]:
    """Return the files that wait, by name; what ends otherwise is still being written."""
    return sorted(path for path in root.glob("*.parquet") if path.is_file() and not path.name.startswith("."))


def may_grow(path: Path, real_us: int) -> bool:
    """Tell whether a file was changed so lately, by the real time (UTC us), that somebody may be writing it."""
    return abs(real_us / _US_PER_S - path.stat().st_mtime) < _UNFINISHED_S


def put_taken(path: Path) -> Path:
    """Move a file that is stored out of the way."""
    return path.replace(_free(path.parent / TAKEN / path.name))


def put_rejected(path: Path, problems: Sequence[str]) -> Path:
    """Move a file that is not right out of the way, with a text beside it that says why."""
    target = _free(path.parent / REJECTED / path.name)
    text = f"{path.name} was not taken. Correct it, or have the cycler write it again, and put it into {path.parent}:\n"
    # The reason first: a rejected file without one would say nothing.
    target.with_name(target.name + ".txt").write_text(text + "".join(f"- {each}\n" for each in problems), "utf-8")
    return path.replace(target)


def _free(path: Path) -> Path:
    """Return a path that no file has."""
    number, target = 1, path
    while target.exists():
        number += 1
        target = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return target
