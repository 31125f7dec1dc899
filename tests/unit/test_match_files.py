"""Stocks, policies and forms of packs that are wrong: one clear sentence each."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from cellwright.analysis.matching import PackForm, Policy, match_cells, read_form, read_policy
from cellwright.cli.match_stock import COLUMNS, read_stock
from cellwright.errors import ConfigurationError
from cellwright.testing.cell_stock import POLICY, cell_stock

POLICY_TEXT = "window_ocv_v = 0.003\nwindow_dcir_ratio = 0.1\nmax_age_d = 30\nmix_batches = true\n"


def columns(count: int = 6) -> dict[str, Any]:
    stock = cell_stock(count, seed=1)
    named = {name: getattr(stock, name).tolist() for name in COLUMNS if name != "cell"}
    return {"cell": [f"C{number:04d}" for number in range(count)], **named, "batch": ["B1"] * count}


def write(path: Path, content: dict[str, Any]) -> Path:
    table = pa.table(content)
    if path.suffix == ".csv":
        csv.write_csv(table, path)
    else:
        parquet.write_table(table, path)
    return path


def problems(path: Path) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read_stock(path)
    return list(caught.value.problems)


@pytest.fixture(params=["stock.csv", "stock.parquet"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / str(request.param)


def test_a_stock_is_read_in_the_order_of_its_codes(path: Path) -> None:
    content = columns()
    write(path, {name: values[::-1] for name, values in content.items()})
    stock = read_stock(path)
    assert stock.cells.tolist() == content["cell"]
    assert stock.ocv_v.tolist() == content["ocv_v"]
    assert not stock.held.any()


@pytest.mark.parametrize(
    "codes", [[3, 20, 100, 7, 8, 9], ["007", "01", "1", "2", "3", "4"], [2**63 + each for each in range(6)]]
)
def test_codes_stay_what_they_are(path: Path, codes: list[Any]) -> None:
    stock = read_stock(write(path, {**columns(), "cell": np.array(codes)}))
    # What 64 bits with a sign cannot hold is a text.
    assert stock.cells.tolist() == sorted(codes if max(map(int, codes)) < 2**63 else map(str, codes))


@pytest.mark.parametrize("held", [[True, False] * 3, ["yes", ""] * 3, [1, 0] * 3])
def test_a_column_of_holds_is_read(path: Path, held: list[Any]) -> None:
    assert read_stock(write(path, {**columns(), "held": held})).held.tolist() == [True, False] * 3


def changed(name: str, change: Callable[[Any], Any]) -> dict[str, Any]:
    content = columns()
    return {**content, name: [change(each) for each in content[name]]}


@pytest.mark.parametrize(
    ("name", "factor", "unit"),
    [("ocv_v", 1000, "mV"), ("dcir_ohm", 1000, "mOhm"), ("capacity_ah", 1000, "mAh")],
)
def test_a_unit_that_is_wrong_by_a_thousand_is_named(path: Path, name: str, factor: int, unit: str) -> None:
    found = problems(write(path, changed(name, lambda each: each * factor)))
    assert len(found) == 1
    assert found[0].startswith(f"{path.name}: {name}: ")
    assert f"look like {unit}; expected " in found[0]
    assert found[0].endswith("divide the column by 1000")


def at(name: str, row: int, value: Any) -> dict[str, Any]:
    content = columns()
    content[name] = [value if number == row else each for number, each in enumerate(content[name])]
    return content


@pytest.mark.parametrize("name", ["capacity_ah", "ocv_v", "dcir_ohm", "k_mv_per_d", "age_d"])
@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_an_unknown_value_is_named_with_its_place(path: Path, name: str, value: float | None) -> None:
    found = problems(write(path, at(name, 3, value)))
    assert found == [
        f"{path.name}: {name}: 1 cell without a value, the first at row 4; measure these cells or leave them out"
    ]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("ocv_v", 0.0, "1 cell outside 0.5 to 6 V, the first 0 at row 3; expected volts such as 3.291"),
        ("dcir_ohm", -0.006, "1 cell outside 1e-05 to 0.1 ohm, the first -0.006 at row 3"),
        ("age_d", -1.0, "1 cell outside 0 to 36500 days, the first -1 at row 3"),
    ],
)
def test_an_impossible_value_is_named_with_its_place(path: Path, name: str, value: float, text: str) -> None:
    found = problems(write(path, at(name, 2, value)))
    assert len(found) == 1
    assert found[0].startswith(f"{path.name}: {name}: {text}")


def test_a_text_among_numbers_is_named_with_its_place(path: Path) -> None:
    content = columns()
    content["capacity_ah"] = [*map(str, content["capacity_ah"][:4]), "n/a!", "6.0"]
    found = problems(write(path, content))
    expected = "is no number; expected ampere-hours such as 6.02: correct it or leave it out"
    assert found == [f"{path.name}: capacity_ah: 'n/a!' at row 5 {expected}"]


def test_numbers_stored_as_texts_are_said_to_be(tmp_path: Path) -> None:
    content = columns()
    found = problems(write(tmp_path / "stock.parquet", {**content, "ocv_v": [str(each) for each in content["ocv_v"]]}))
    assert len(found) == 1
    assert "ocv_v: the numbers are stored as text; export the column as numbers" in found[0]


def test_every_missing_column_is_named(path: Path) -> None:
    content = columns()
    del content["dcir_ohm"], content["age_d"]
    found = problems(write(path, content))
    assert [each.split(": ")[1] for each in found] == ["dcir_ohm", "age_d"]
    assert all("this column is missing; add it" in each for each in found)


def test_a_code_that_stands_there_twice_is_named(path: Path) -> None:
    found = problems(write(path, at("cell", 4, "C0001")))
    assert len(found) == 1
    assert "cell: 1 code stands there more than once, the first is C0001 (2 times)" in found[0]


@pytest.mark.parametrize("name", ["cell", "batch"])
def test_a_missing_code_is_named(path: Path, name: str) -> None:
    found = problems(write(path, at(name, 4, None)))
    assert len(found) == 1
    assert f"{name}: 1 cell without a code, the first at row 5" in found[0]


def test_a_hold_that_is_neither_yes_nor_no_is_named(path: Path) -> None:
    found = problems(write(path, {**columns(), "held": ["no"] * 5 + ["perhaps"]}))
    assert found == [f"{path.name}: held: 'perhaps' at row 6 is neither true nor false; write true for a cell on hold"]


def test_a_file_without_cells_is_named(path: Path) -> None:
    found = problems(write(path, {name: pa.array([], pa.float64()) for name in COLUMNS}))
    assert found == [f"{path.name}: the file holds no cells; export it again, with a line for each cell"]


def test_a_file_with_nothing_in_it_is_named(path: Path) -> None:
    path.write_bytes(b"")
    found = problems(path)
    assert len(found) == 1
    assert found[0].endswith("export the file again")


def test_another_kind_of_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "stock.xlsx").write_bytes(b"")
    assert problems(tmp_path / "stock.xlsx") == [
        "stock.xlsx: the file's name ends in '.xlsx'; save it as one of .csv, .parquet"
    ]


def test_several_wrong_columns_are_named_at_once(path: Path) -> None:
    content = {**columns(), "ocv_v": [3290.0] * 6, "capacity_ah": [6000.0] * 6}
    assert len(problems(write(path, content))) == 2


# --- policies ---------------------------------------------------------------------------------------


def policy_problems(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read_policy(tomllib.loads(text), "policy.toml")
    return list(caught.value.problems)


def test_a_policy_is_read() -> None:
    assert read_policy(tomllib.loads(POLICY_TEXT), "p.toml") == Policy(
        window_ocv_v=0.003, window_dcir_ratio=0.1, max_age_d=30, mix_batches=True
    )
    more = POLICY_TEXT + "window_capacity_ratio = 0.01\nmax_k_mv_per_d = 1\n"
    assert read_policy(tomllib.loads(more), "p.toml").window_capacity_ratio == 0.01


@pytest.mark.parametrize(
    ("change", "key", "text"),
    [
        (("0.003", "3"), "window_ocv_v", "write volts, not millivolts"),
        (("0.003", "-0.003"), "window_ocv_v", "-0.003 is not right; expected a number from 1e-06 to 0.5"),
        (("0.003", "0"), "window_ocv_v", "0 is not right"),
        (("0.003", "nan"), "window_ocv_v", "nan is not right"),
        (("0.003", "'x'"), "window_ocv_v", "'x' is not right"),
        (("0.003", "true"), "window_ocv_v", "True is not right"),
        (("0.1", "10"), "window_dcir_ratio", "write the ratio, not per cent"),
        (("30", "-1"), "max_age_d", "-1 is not right; expected a number from 0 to 36500"),
        (("true", "1"), "mix_batches", "expected mix_batches = true"),
        (("max_age_d = 30\n", ""), "max_age_d", "this key is missing; write a number from 0 to 36500: days such as 30"),
        (("mix_batches", "mix_batch"), "mix_batch", "no such key; rename or remove it: the keys are window_ocv_v"),
    ],
)
def test_what_is_wrong_with_a_policy_is_named(change: tuple[str, str], key: str, text: str) -> None:
    found = policy_problems(POLICY_TEXT.replace(*change))
    assert found[0].startswith(f"policy.toml: {key}: ")
    assert text in found[0]


def test_every_problem_of_a_policy_is_named() -> None:
    assert len(policy_problems("window_ocv_v = 5\nwindow = 1\nmix_batches = true\n")) == 4


# --- forms ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "form"), [("16S20P", PackForm(16, 20)), (" 100s1p ", PackForm(100, 1))])
def test_a_form_is_read(text: str, form: PackForm) -> None:
    assert read_form(text) == form
    assert str(form) == text.strip().upper()


@pytest.mark.parametrize("text", ["", "16S", "16P20S", "0S1P", "16S0P", "16S20P2", "-1S1P", "1.5S1P", "16x20"])
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="such as 16S20P or 100S1P"):
        read_form(text)


def test_a_pack_of_too_many_cells_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="match its modules instead"):
        read_form("99999S99999P")


# --- a stock of a few thousand ----------------------------------------------------------------------


def test_a_code_in_two_reserved_packs_is_refused() -> None:
    stock = cell_stock(10, seed=1)
    code = int(stock.cells[0])
    with pytest.raises(ValueError, match="two reserved packs"):
        match_cells(stock, PackForm(1, 1), POLICY, reserved=[[[code]], [[code]]])


def test_a_code_that_stands_twice_is_refused() -> None:
    stock = cell_stock(10, seed=1)
    stock.cells[1] = stock.cells[0]
    with pytest.raises(ValueError, match="stands in the stock twice"):
        match_cells(stock, PackForm(2, 1), POLICY)


def test_a_cell_that_went_on_with_its_pack_keeps_nothing_back() -> None:
    stock = cell_stock(200, seed=1)
    plan = match_cells(stock, PackForm(4, 1), POLICY, reserved=[[[1], [2], [3], [4]]])
    assert len(plan.reserved) == 1
    assert not plan.reserved_places.size
    assert plan.packs.size + len(plan.leftover) == stock.count


def test_packs_with_the_oldest_cells_come_first() -> None:
    stock = cell_stock(600, seed=1)
    plan = match_cells(stock, PackForm(8, 2), POLICY)
    oldest = plan.stock.age_d[plan.packs].max(axis=(1, 2))
    assert len(oldest) > 10
    assert (np.diff(oldest) <= 0).all()
