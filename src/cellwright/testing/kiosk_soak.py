"""A kiosk that gets many messages: how its heap and its elements grow, and of what the growth is made.

V8 compiles what runs often, several times over, so a heap grows by a tenth before it settles, and goes on by some hundredths
while it compiles better what it knows by then. The soak begins when the heap has settled, and says by the classes of heap
snapshots what grew: a leak is data, not code.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from random import Random
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct, structs

from cellwright.database.pool import Connection
from cellwright.model.plant import Plant
from cellwright.plant.clock import host_clock
from cellwright.web.live.sources import Asking, Source
from cellwright.web.live.watcher import Followed
from cellwright.web.opening import Face
from cellwright.web.pages.line import LineNow

HEAP_GROWTH_MAX: Final = 1.05
DATA_GROWTH_MAX: Final = 1.01
SETTLED_RATIO: Final = 0.01
"""Three checkpoints in a row that differ by less have settled."""
_CHECK_EVERY: Final = 2500
_CHECKS_MAX: Final = 16
_COLLECTIONS: Final = 5
_WEIGHINGS: Final = 4
_BETWEEN: Final = 200
_LOOK_S: Final = 0.2
_ASK_S: Final = 1.0
"""How often a page is asked how far it is: seldom, since a question is work for the page too."""
_STILL_S: Final = 5.0
"""Longer than a page that did not keep up says so."""
_MOST: Final = 8
_OUTSIDE: Final = ("native", "synthetic")
"""Classes of a snapshot that are the browser's own, and not in the heap of scripts."""

Classes: TypeAlias = Counter[tuple[str, str]]
"""Bytes by the class of a snapshot and the name in it; what has a text for a name has none here."""


# --- the soak -------------------------------------------------------------------------------


class Kiosk(Struct, frozen=True):
    """A kiosk, what looks into it, and the line that it shows."""

    page: Any
    client: Any
    line: "ShakenLine"


async def measure_soak(face: Face, context: Any, plant: Plant, *, messages: int) -> dict[str, Any]:
    """Return how heap and elements of a kiosk grow while it gets many messages, as fast as they go."""
    page = await context.new_page()
    kiosk = Kiosk(page, await context.new_cdp_session(page), shake_line(face, plant))
    await page.goto("/line?kiosk=1", wait_until="load")
    warm_up = await settle(kiosk)
    before, classes_before = warm_up[-1], await read_classes(kiosk)
    began_s = time.perf_counter()
    await get_frames(page, before["frames"] + messages // 2)
    took_s = time.perf_counter() - began_s
    halfway = await weigh_often(kiosk, frames=before["frames"] + messages // 2)
    after = await weigh_often(kiosk, frames=before["frames"] + messages)
    by_class = grown_classes(classes_before, await read_classes(kiosk))
    growth, data = after["heap_bytes"] / before["heap_bytes"], by_class["data"]
    return {
        "warm_up": warm_up,
        "messages": after["frames"] - before["frames"],
        "messages_per_s": round(messages / 2 / took_s, 1),
        "before": before,
        "halfway": halfway,
        "after": after,
        "heap_growth": round(growth, 4),
        **by_class,
        "budget": {
            f"heap_settled_within_{SETTLED_RATIO}": is_settled([each["heap_bytes"] for each in warm_up]),
            f"heap_growth_max_{HEAP_GROWTH_MAX}": growth <= HEAP_GROWTH_MAX,
            f"data_growth_max_{DATA_GROWTH_MAX}": data["growth"] <= DATA_GROWTH_MAX,
            "elements_constant": after["elements"] == before["elements"],
        },
    }


async def settle(kiosk: Kiosk) -> list[dict[str, int]]:
    """Let a kiosk get messages until its heap has settled, or for long; return its checkpoints."""
    found: list[dict[str, int]] = []
    while len(found) < _CHECKS_MAX and not is_settled([each["heap_bytes"] for each in found]):
        found.append(await weigh_often(kiosk, frames=_CHECK_EVERY * (len(found) + 1)))
    return found


def is_settled(heap_bytes: Sequence[int]) -> bool:
    """Tell whether the last three checkpoints differ by less than a hundredth, one from the next."""
    recent = heap_bytes[-3:]
    return len(recent) == 3 and all(abs(now / then - 1) < SETTLED_RATIO for then, now in pairwise(recent))


async def get_frames(page: Any, count: int) -> int:
    """Wait until a page got so many frames in all; return how many it has."""
    while (frames := int(await page.evaluate("window.frames_seen"))) < count:  # noqa: ASYNC110 - the page has no event
        await asyncio.sleep(_ASK_S)
    return frames


# --- what a page holds ----------------------------------------------------------------------


async def weigh_often(kiosk: Kiosk, *, frames: int) -> dict[str, int]:
    """Return the least that a page holds in a few moments: what is compiled or cached comes and goes by a tenth."""
    weights = []
    for number in range(_WEIGHINGS):
        await get_frames(kiosk.page, frames + number * _BETWEEN)
        weights.append(await weigh(kiosk))
    least = min(each["heap_bytes"] for each in weights)
    return {**weights[-1], "heap_bytes": least}


async def weigh(kiosk: Kiosk) -> dict[str, int]:
    """Return what a page holds after its garbage was collected, while nothing comes that it could be busy with."""
    async with _held_still(kiosk):
        heap_bytes = [await _collected_bytes(kiosk.client) for _ in range(_COLLECTIONS)]
        counters = await kiosk.client.send("Memory.getDOMCounters")
        return {
            "frames": await get_frames(kiosk.page, 0),
            "heap_bytes": min(heap_bytes),
            "elements": await kiosk.page.evaluate("document.querySelectorAll('#page *').length"),
            "nodes": counters["nodes"],
            "listeners": counters["jsEventListeners"],
        }


@contextlib.asynccontextmanager
async def _held_still(kiosk: Kiosk) -> AsyncIterator[None]:
    kiosk.line.is_still = True
    await asyncio.sleep(_STILL_S)
    yield
    kiosk.line.is_still = False


async def _collected_bytes(client: Any) -> int:
    """Collect garbage and return what is left: compiled code goes only after several times, so ask for the least."""
    await client.send("HeapProfiler.collectGarbage")
    await asyncio.sleep(_LOOK_S)
    usage = await client.send("Runtime.getHeapUsage")
    return int(usage["usedSize"])


async def read_classes(kiosk: Kiosk) -> Classes:
    """Return what a page's heap is made of, by a snapshot of it."""
    parts: list[str] = []

    def keep(event: dict[str, str]) -> None:
        parts.append(event["chunk"])

    async with _held_still(kiosk):
        kiosk.client.on("HeapProfiler.addHeapSnapshotChunk", keep)
        await kiosk.client.send("HeapProfiler.takeHeapSnapshot", {"reportProgress": False})
        kiosk.client.remove_listener("HeapProfiler.addHeapSnapshotChunk", keep)
    return classes_of(msgspec.json.decode("".join(parts)))


def classes_of(snapshot: dict[str, Any]) -> Classes:
    """Return the bytes of a heap snapshot of V8 by class and name."""
    fields, kinds = snapshot["snapshot"]["meta"]["node_fields"], snapshot["snapshot"]["meta"]["node_types"][0]
    kind, name, size = (fields.index(each) for each in ("type", "name", "self_size"))
    nodes, strings, width = snapshot["nodes"], snapshot["strings"], len(fields)
    found: Classes = Counter()
    for at in range(0, len(nodes), width):
        called = kinds[nodes[at + kind]]
        found[called, "" if "string" in called else strings[nodes[at + name]]] += nodes[at + size]
    return found


def grown_classes(before: Classes, after: Classes) -> dict[str, Any]:
    """Return how code and data in the heap grew, each class, and the names that grew most."""
    grown = Counter(after)
    grown.subtract(before)
    inside = {kind for kind, _ in (*before, *after)} - set(_OUTSIDE)
    return {
        "code": _growth(before, after, {"code"}),
        "data": _growth(before, after, inside - {"code"}),
        "classes": {kind: _growth(before, after, {kind}) for kind in sorted(inside)},
        "grew_most": [
            {"class": kind, "name": name[:60], "bytes": count}
            for (kind, name), count in grown.most_common()
            if kind in inside and count > 0
        ][:_MOST],
    }


def _growth(before: Classes, after: Classes, kinds: set[str]) -> dict[str, float]:
    then, now = (sum(size for (kind, _), size in each.items() if kind in kinds) for each in (before, after))
    return {"bytes_before": then, "bytes_after": now, "growth": round(now / then, 4) if then else 0.0}


# --- a line that is never still -------------------------------------------------------------


def shake_line(face: Face, plant: Plant) -> "ShakenLine":
    """Let the line say something else at each tick, without a database; return what can hold it still."""
    hub, watcher = face.live.hub, face.live.watcher
    found = hub.sources.find("line", plant)
    assert found is not None  # noqa: S101 - every server has it
    shaken = ShakenLine(found[0])
    hub.sources = hub.sources.adding(structs.replace(found[0], read=shaken.read))
    watcher.origin = structs.replace(watcher.origin, follow=shaken.follow)
    return shaken


class ShakenLine:
    """A line whose counts and cycles change all the time."""

    def __init__(self, source: Source) -> None:
        """Begin with what a source says."""
        self.is_still = False
        self._source = source
        self._line: LineNow | None = None
        self._random = Random(2)  # noqa: S311 - repeatable, not secret
        self._number = 0

    async def read(self, asking: Asking) -> LineNow:
        """Return the line as it was read once, with three other tiles."""
        if self._line is None:
            assert self._source.read is not None  # noqa: S101 - the line is read
            self._line = await self._source.read(asking)
        if self.is_still:
            return self._line
        tiles = list(self._line.tiles)
        for index in self._random.sample(range(len(tiles)), 3):
            cycle_s = round(self._random.uniform(1, 30), 1)
            tiles[index] = structs.replace(tiles[index], ok_count=tiles[index].ok_count + 1, last_cycle_s=cycle_s)
        self._line = structs.replace(self._line, tiles=tuple(tiles))
        return self._line

    async def follow(self, connection: Connection, budget_s: float) -> Followed:
        """Say that there are more facts."""
        del connection, budget_s
        self._number += 1
        return Followed(self._number, self._number, host_clock())
