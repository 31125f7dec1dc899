"""What is wrong with a plant's files, and where: file, key path, what was found, what is allowed."""

import re

from msgspec import Struct

from cellwright.plant.config.words import shown

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class Place(Struct, frozen=True):
    """Where something stands in the files."""

    file: str
    path: str = ""
    entry: str = ""
    """Code and line of the entry, for people who do not count tables."""

    def at(self, key: str) -> "Place":
        """Return the place of a key inside this one."""
        name = key if _BARE_KEY.fullmatch(key) else shown(key)
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
