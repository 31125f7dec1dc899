"""`cellwright match`, started as a person starts it."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from cellwright.cli.match_stock import COLUMNS
from cellwright.testing.cell_stock import cell_stock

POLICY = "window_ocv_v = 0.003\nwindow_dcir_ratio = 0.1\nmax_age_d = 30\nmix_batches = true\n"
COUNT = 1200


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("match")
    stock = cell_stock(COUNT, seed=5)
    table = pa.table({name: getattr(stock, "cells" if name == "cell" else name) for name in COLUMNS})
    parquet.write_table(table, folder / "stock.parquet")
    csv.write_csv(table, folder / "stock.csv")
    (folder / "policy.toml").write_text(POLICY, encoding="utf-8")
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cellwright", "match", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


def cells_of(packs: Sequence[dict[str, list[list[int]]]]) -> list[int]:
    return [cell for pack in packs for group in pack["groups"] for cell in group]


def test_the_answer_is_one_document_and_the_same_of_both_kinds_of_file(folder: Path) -> None:
    answers = []
    for name in ("stock.parquet", "stock.csv"):
        done = run(folder, name, "--pack", "4S10P", "--policy", "policy.toml", "--json")
        assert (done.returncode, done.stderr) == (0, "")
        answers.append(json.loads(done.stdout))
    assert answers[0].pop("wall_s") > 0
    assert answers[1].pop("wall_s") > 0
    assert answers[0] == answers[1]
    answer = answers[0]
    assert [[len(group) for group in pack["groups"]] for pack in answer["packs"]] == [[10] * 4] * len(answer["packs"])
    placed = cells_of(answer["packs"])
    assert sorted(placed + answer["leftover"]) == sorted(cell_stock(COUNT, seed=5).cells.tolist())
    assert answer["placed_ratio"] == len(placed) / COUNT
    assert answer["gap_ratio"] == pytest.approx(answer["bound_ratio"] - answer["placed_ratio"])
    assert answer["gap_ratio"] < 0.04
    assert 0 <= answer["unusable_capacity_ratio"] < 0.001
    assert sum(answer["leftover_counts"].values()) == len(answer["leftover"])


def test_an_earlier_answer_is_reserved(folder: Path) -> None:
    arguments = ("stock.parquet", "--policy", "policy.toml", "--json")
    first = json.loads(run(folder, *arguments, "--pack", "4S10P").stdout)
    some = {**first, "packs": first["packs"][:10]}
    (folder / "earlier.json").write_text(json.dumps(some), encoding="utf-8")
    again = json.loads(run(folder, *arguments, "--pack", "4S10P", "--reserved", "earlier.json").stdout)
    assert again["reserved"] == some["packs"]
    assert not set(cells_of(again["packs"])) & set(cells_of(again["reserved"]))
    assert again["broken"] == []


def test_people_read_why_cells_are_left_over(folder: Path) -> None:
    done = run(folder, "stock.csv", "--pack", "16S20P", "--policy", "policy.toml")
    assert done.returncode == 0
    first, unusable, count, *_ = done.stdout.splitlines()
    assert first.startswith("3 packs 16S20P from 1,200 cells: 80.00% placed, at most 80.00% can be, gap 0.00%")
    assert unusable.startswith("unusable capacity 0.0")
    assert count == "240 cells are left over"
    assert "over: the cells do not come out even" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (
            ("stock.csv", "--pack", "16S", "--policy", "policy.toml"),
            3,
            "pack '16S': no form of a pack; write groups in",
        ),
        (("stock.csv", "--pack", "4S1P", "--policy", "stock.csv"), 3, "stock.csv: no TOML: "),
        (
            ("policy.toml", "--pack", "4S1P", "--policy", "policy.toml"),
            3,
            "policy.toml: the file's name ends in '.toml'",
        ),
        (("absent.csv", "--pack", "4S1P", "--policy", "policy.toml"), 2, "'absent.csv' does not exist"),
        (("stock.csv", "--policy", "policy.toml"), 2, "Missing option '--pack'"),
        (
            ("stock.csv", "--pack", "4S1P", "--policy", "policy.toml", "--reserved", "policy.toml"),
            3,
            "policy.toml: no answer of an earlier plan",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence(folder: Path, arguments: tuple[str, ...], code: int, text: str) -> None:
    done = run(folder, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert text in done.stderr
    assert "Traceback" not in done.stderr
