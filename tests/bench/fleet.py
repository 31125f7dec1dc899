"""How many frames of GB/T 32960 are decoded a second: one by one, and as columns; small, large, and mixed layouts.

Prints JSON. With `rtm-con` installed (not a dependency: GPL-2.0) the same frames are decoded by it in the same run. With
--mutated N so many spoiled frames are decoded as well, one by one and as columns: none may raise.
"""

import argparse
import importlib
import importlib.util
import json
import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from cellwright.links.gb32960 import decode_gb32960, encode_gb32960
from cellwright.links.gb32960.columns import Batch, ColumnDecoder
from cellwright.links.gb32960.fields import Number
from cellwright.links.gb32960.frames import bcc_of
from cellwright.links.gb32960.tables import Edition
from cellwright.testing.gb32960 import ordinary

BATCHES = (500, 2_000, 20_000)
SCALAR_COUNT = 2_000
LAYOUTS = 20
SEED = 1
BUDGET_PER_S = 1_000_000
"""Frames a second in mixed batches of 20,000 (design, section 12)."""


def mixed_layouts() -> list[bytes]:
    """Return frames of 20 layouts, of both editions, of 11 to 182 cells."""
    return [
        encode_gb32960(
            ordinary(Edition.E2016 if each % 2 else Edition.E2025, cells_count=11 + 9 * each, probes_count=4 + each)
        )
        for each in range(LAYOUTS)
    ]


def rate_of(call: Callable[[], object], count: int, seconds: float) -> float:
    """Return frames a second: the best of three rounds."""
    best = 0.0
    for _ in range(3):
        done, began_s = 0, time.perf_counter()
        while (took_s := time.perf_counter() - began_s) < seconds:
            call()
            done += count
        best = max(best, done / took_s)
    return round(best)


def to_physical(batch: Batch) -> None:
    """Turn every column of a batch into physical values."""
    for group in batch.groups:
        for path, column in group.layout.columns.items():
            if isinstance(column.field, Number):
                group.physical(path)


def columns_row(frames: list[bytes], seconds: float) -> dict[str, float]:
    """Return the rates of the columnar decoder on a batch: to raw columns, and to physical values of every field."""
    decoder = ColumnDecoder()
    decoder.decode(frames)
    return {
        "columns_per_s": rate_of(lambda: decoder.decode(frames), len(frames), seconds),
        "physical_per_s": rate_of(lambda: to_physical(decoder.decode(frames)), len(frames), seconds),
    }


def measure_rates(seconds: float) -> Iterator[dict[str, Any]]:
    """Measure each kind of batch."""
    small = encode_gb32960(ordinary(Edition.E2016))
    large = encode_gb32960(ordinary(Edition.E2016, cells_count=192, probes_count=32))
    mixed, chance = mixed_layouts(), random.Random(SEED)
    for name, layouts in (("small", [small]), ("large", [large]), ("mixed", mixed)):
        some = [chance.choice(layouts) for _ in range(SCALAR_COUNT)]
        size = sum(map(len, some)) / len(some)
        row: dict[str, Any] = {"frames": name, "layouts_count": len(layouts), "size_bytes": round(size)}
        yield row | {"scalar_per_s": rate_of(partial(decode_gb32960, some), SCALAR_COUNT, seconds), **peer(some)}
        for count in BATCHES:
            batch = [chance.choice(layouts) for _ in range(count)]
            yield row | {"batch": count, **columns_row(batch, seconds)}


def peer(frames: list[bytes]) -> dict[str, Any]:
    """Return the rate of rtm-con on the same frames, if it is installed; frames that it cannot read are counted."""
    if importlib.util.find_spec("rtm_con") is None:
        return {"rtm_con": "not installed"}
    decode = importlib.import_module("rtm_con").msg_checked.parse
    failed, began_s = 0, time.perf_counter()
    for frame in frames[:200]:
        try:
            decode(frame)
        except Exception:  # noqa: BLE001 whatever a peer raises is counted
            failed += 1
    return {"rtm_con_per_s": round(200 / (time.perf_counter() - began_s)), "rtm_con_failed": failed}


def decode_mutated(count: int) -> dict[str, int]:
    """Decode spoiled frames: bytes changed, cut, put in, half of them with a BCC that is right again."""
    chance, layouts, decoder = random.Random(SEED), mixed_layouts(), ColumnDecoder()
    statuses: dict[str, int] = {}
    for begin in range(0, count, 10_000):
        frames = [mutated(chance, chance.choice(layouts)) for _ in range(min(10_000, count - begin))]
        told = decode_gb32960(frames)
        for each in told if isinstance(told, list) else [told]:
            statuses[each.status] = statuses.get(each.status, 0) + 1
        batch = decoder.decode(frames)
        if sum(len(group.rows) for group in batch.groups) + len(batch.others) != len(frames):
            raise RuntimeError("a frame is in no group, or in two")
    return statuses


def mutated(chance: random.Random, frame: bytes) -> bytes:
    """Return a frame with up to five things wrong."""
    spoiled = bytearray(frame)
    for _ in range(chance.randint(1, 5)):
        place, kind = chance.randrange(len(spoiled)), chance.random()
        if kind < 0.8:
            spoiled[place] = chance.choice((0, 0xFE, 0xFF, chance.randrange(256)))
        elif kind < 0.9 and len(spoiled) > 1:
            del spoiled[place]
        else:
            spoiled.insert(place, chance.randrange(256))
    if len(spoiled) > 3 and chance.random() < 0.5:
        spoiled[-1] = bcc_of(bytes(spoiled[2:-1]))
    return bytes(spoiled)


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each round")
    parser.add_argument("--mutated", type=int, default=0, metavar="N", help="spoiled frames to decode as well")
    given = parser.parse_args()
    rows = list(measure_rates(given.seconds))
    best = max(row["columns_per_s"] for row in rows if row["frames"] == "mixed" and row.get("batch") == BATCHES[-1])
    found = {"decode": rows, "budget_per_s": BUDGET_PER_S, "is_within_budget": best >= BUDGET_PER_S}
    if given.mutated:
        found["mutated"] = decode_mutated(given.mutated)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
