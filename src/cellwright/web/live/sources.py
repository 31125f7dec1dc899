"""What a topic says: who may see it and how it is read. The readers are those of the pages."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.plant import Plant
from cellwright.plant.stations import MachineSign
from cellwright.web.access.permissions import Permission
from cellwright.web.live.frames import Keys


class Asking(Struct, frozen=True):
    """What a reader gets: `code` names the object, "" = none; `now_us` is the plant's time (UTC us)."""

    connection: Connection
    plant: Plant
    code: str
    now_us: int
    signs: Mapping[str, MachineSign]
    """What the stations' machines say of themselves."""


class Source(Struct, frozen=True, kw_only=True):
    """A topic, or one topic for each object where the name ends in "/"."""

    name: str
    permission: Permission
    read: Callable[[Asking], Awaitable[Any]] | None
    """None = said by the server itself, not read from the database."""
    keys: Keys = {}
    """Lists whose rows are sent one by one, and what names a row."""
    has: Callable[[Plant, str], bool] = lambda _plant, _code: True
    """Whether an object of this code exists."""


class Sources:
    """All topics."""

    def __init__(self, *sources: Source) -> None:
        """Know them by name."""
        self._sources = {each.name: each for each in sources}

    def adding(self, source: Source) -> "Sources":
        """Return these and one more; it takes the place of one of the same name."""
        return Sources(*(self._sources | {source.name: source}).values())

    def find(self, topic: str, plant: Plant) -> tuple[Source, str] | None:
        """Return the source of a topic and the code of its object; None = there is no such topic."""
        kind, slash, code = topic.partition("/")
        source = self._sources.get(kind + slash)
        if source is None or (slash and not (code and source.has(plant, code))):
            return None
        return source, code
