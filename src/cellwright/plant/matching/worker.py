"""A process of its own that matches: a long plan takes neither the loop nor the interpreter of the plant, and can be stopped.

It reads one task from its input, and writes one outcome for each policy, each behind its length.
"""

import os
import sys
import time
from typing import BinaryIO, Final

import msgspec
import numpy as np

from cellwright.analysis.matching import Plan, Policy, Stock, match_cells, read_form
from cellwright.analysis.matching.balance import unusable_ratios
from cellwright.plant.matching.task import LENGTH_BYTES, Outcome, Task, Windows

_NICENESS: Final = 10


def main() -> None:
    """Work one task."""
    os.nice(_NICENESS)
    task = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Task)
    stock = _stock(task)
    for windows in task.windows:
        _send(sys.stdout.buffer, _outcome(stock, task.form, windows))


def _outcome(stock: Stock, form: str, windows: Windows) -> Outcome:
    began_s = time.monotonic()
    plan = match_cells(stock, read_form(form), Policy(**msgspec.structs.asdict(windows)))
    wall_s = time.monotonic() - began_s
    return Outcome(
        packs=np.ascontiguousarray(plan.packs, np.int64).tobytes(),
        packs_count=len(plan.packs),
        series_count=plan.form.series_count,
        parallel_count=plan.form.parallel_count,
        bound_count=plan.bound_count,
        placed_ratio=plan.placed_ratio,
        bound_ratio=plan.bound_ratio,
        gap_ratio=plan.gap_ratio,
        unusable=_unusable(plan).tobytes(),
        unusable_capacity_ratio=plan.unusable_capacity_ratio,
        leftover_counts={str(reason): count for reason, count in plan.leftover_counts.items()},
        wall_s=wall_s,
    )


def _unusable(plan: Plan) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return unusable_ratios(plan.packs, plan.stock.capacity_ah) if len(plan.packs) else np.empty(0)


def _stock(task: Task) -> Stock:
    columns = {name: np.frombuffer(content, np.float64) for name, content in task.columns.items()}
    return Stock(
        cells=np.arange(task.count, dtype=np.int64),
        batch=np.frombuffer(task.batch, np.int64),
        held=np.zeros(task.count, np.bool_),
        **columns,
    )


def _send(output: BinaryIO, outcome: Outcome) -> None:
    content = msgspec.msgpack.encode(outcome)
    output.write(len(content).to_bytes(LENGTH_BYTES) + content)
    output.flush()


if __name__ == "__main__":
    main()
