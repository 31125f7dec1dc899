"""What matching reaches: share of a stock in packs, the proved bound, time and memory, beside simpler methods on the same stock.

Prints JSON. Every plan, also those of the other methods, is judged by the same checker, cell by cell.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from cellwright.analysis.matching import PackForm, Policy, Stock, match_cells, read_form
from cellwright.analysis.matching.balance import unusable_ratios
from cellwright.testing.cell_stock import POLICY, cell_stock, wrong_of
from cellwright.testing.matching_peers import PEERS, inside

CASES = (
    (3_000, 16),
    (20_000, 100),
    (100_000, 16),
    (100_000, 100),
    (100_000, 320),
    (1_000_000, 16),
    (1_000_000, 100),
    (1_000_000, 320),
)
PEERS_MAX = 100_000
"""k-means takes minutes above."""
BALANCED = "16S20P"
BALANCED_COUNT = 102_400
NOISE_RATIO = 0.0015
SEED = 1
BUDGET_S = {100_000: 2.0, 1_000_000: 20.0}
GAP_RATIO_MAX = 0.01
UNUSABLE_RATIO_MAX = 0.001


def timed(call: Callable[[], Any], rounds: int) -> tuple[Any, list[float]]:
    """Return what a call gives, and how long each round took."""
    took_s, answer = [], None
    for _ in range(rounds):
        began_s = time.perf_counter()
        answer = call()
        took_s.append(time.perf_counter() - began_s)
    return answer, sorted(took_s)


def measure_case(count: int, size: int, rounds: int) -> dict[str, Any]:
    """Match one stock into 1P packs of so many cells, by this package and by the others."""
    stock, form = cell_stock(count, seed=SEED), PackForm(size, 1)
    before_mb = peak_mb()
    plan, took_s = timed(lambda: match_cells(stock, form, POLICY), rounds)
    told: dict[str, Any] = {
        "cells": count,
        "group": size,
        "packs": len(plan.packs),
        "bound": plan.bound_count,
        "placed_ratio": rounded(plan.placed_ratio),
        "bound_ratio": rounded(plan.bound_ratio),
        "gap_ratio": rounded(plan.gap_ratio),
        "unusable_capacity_ratio": rounded(plan.unusable_capacity_ratio or 0.0),
        "wall_s": {"least": rounded(took_s[0]), "median": rounded(took_s[len(took_s) // 2]), "rounds": rounds},
        "memory_mb": {"stock_and_start": rounded(before_mb), "peak": rounded(peak_mb())},
        "wrong": wrong_of(plan, stock, POLICY, form),
    }
    if count <= PEERS_MAX:
        told["peers"] = {name: measure_peer(peer, stock, size) for name, peer in PEERS.items()}
    return told


def measure_peer(peer: Callable[[Stock, Policy, int], NDArray[np.int64]], stock: Stock, size: int) -> dict[str, Any]:
    groups, took_s = timed(lambda: peer(stock, POLICY, size), 1)
    valid = groups[inside(stock, POLICY, groups)]
    unusable = unusable_ratios(valid[:, :, None], stock.capacity_ah).mean() if len(valid) else 0.0
    return {
        "packs": len(valid),
        "placed_ratio": rounded(valid.size / stock.count),
        "unusable_capacity_ratio": rounded(float(unusable)),
        "wall_s": rounded(took_s[0]),
    }


def measure_balanced(noise_ratio: float, rounds: int) -> dict[str, Any]:
    """Match a stock into 16S20P by what the gauge says; tell what is truly unusable."""
    truth, form = cell_stock(BALANCED_COUNT, seed=SEED), read_form(BALANCED)
    policy = msgspec.structs.replace(POLICY, window_capacity_ratio=None)
    noise = 1 + noise_ratio * np.random.default_rng(2).standard_normal(truth.count)
    measured = msgspec.structs.replace(truth, capacity_ah=truth.capacity_ah * noise)
    plan, took_s = timed(lambda: match_cells(measured, form, policy), rounds)
    unusable = unusable_ratios(plan.packs, truth.capacity_ah)
    in_turn = np.arange(truth.count).reshape(-1, form.series_count, form.parallel_count)
    return {
        "pack": BALANCED,
        "cells": truth.count,
        "gauge_noise_ratio": noise_ratio,
        "packs": len(plan.packs),
        "bound": plan.bound_count,
        "placed_ratio": rounded(plan.placed_ratio),
        "gap_ratio": rounded(plan.gap_ratio),
        "true_unusable_ratio": {"mean": float(f"{unusable.mean():.3g}"), "max": float(f"{unusable.max():.3g}")},
        "in_turn_unusable_ratio": float(f"{unusable_ratios(in_turn, truth.capacity_ah).mean():.3g}"),
        "wall_s": rounded(took_s[0]),
        "wrong": wrong_of(plan, measured, policy, form),
    }


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def rounded(value: float) -> float:
    return float(f"{value:.5g}")


def in_own_process(*arguments: str) -> dict[str, Any]:
    """Measure in a process of its own, so that memory is that of one case; what is compiled was kept before."""
    done = subprocess.run([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def budgets(cases: Sequence[dict[str, Any]], balanced: Sequence[dict[str, Any]]) -> dict[str, bool]:
    """Tell which budgets are kept."""
    kept = {
        f"{count}_cells_in_{limit_s:g}_s": all(
            each["wall_s"]["least"] < limit_s for each in cases if each["cells"] == count
        )
        for count, limit_s in BUDGET_S.items()
    }
    kept["gap_within_1_percent"] = all(each["gap_ratio"] <= GAP_RATIO_MAX for each in cases)
    kept["true_unusable_at_most_0.1_percent"] = all(
        each["true_unusable_ratio"]["mean"] <= UNUSABLE_RATIO_MAX for each in balanced
    )
    kept["nothing_wrong"] = not any(each["wrong"] for each in (*cases, *balanced))
    return kept


def main(sizes: argparse.Namespace) -> int:
    if sizes.case:
        # Loads what was compiled: the first call of a process is not what is measured.
        for policy in (POLICY, msgspec.structs.replace(POLICY, window_capacity_ratio=None)):
            match_cells(cell_stock(400, seed=3), PackForm(4, 2), policy)
        count, size, noise_ratio = sizes.case
        if size:
            print(json.dumps(measure_case(int(count), int(size), sizes.rounds)))
        else:
            print(json.dumps(measure_balanced(noise_ratio, sizes.rounds)))
        return 0
    load = os.getloadavg()
    rounds = ("--rounds", str(sizes.rounds))
    cases = [
        in_own_process("--case", str(count), str(size), "0", *rounds) for count, size in CASES if count <= sizes.most
    ]
    balanced = [in_own_process("--case", "0", "0", str(noise_ratio), *rounds) for noise_ratio in (0.0, NOISE_RATIO)]
    kept = budgets(cases, balanced)
    told = {
        "bench": "match",
        "machine": {"cpu_count": os.cpu_count(), "load_before": [rounded(each) for each in load]},
        "windows": msgspec.to_builtins(POLICY),
        "cases": cases,
        "balanced": balanced,
        "budget": kept,
    }
    print(json.dumps(told, indent=2))
    return 0 if all(kept.values()) else 1


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--most", type=int, default=1_000_000, help="cells of the largest stock")
    parser.add_argument("--case", nargs=3, type=float, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(parse()))
