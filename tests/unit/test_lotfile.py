"""Files of lots: what is read from each format, every mistake at its place, parents before children."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from cellwright.links.lotfile import pages as pages_module
from cellwright.links.lotfile import rows as rows_module
from cellwright.links.lotfile.columns import COLUMNS, OF_LOT, OF_PARENT, Problem
from cellwright.links.lotfile.lots import LotFile, read_lot_file
from cellwright.links.lotfile.pages import LotPage, cut_pages
from cellwright.model.quantities import Measure
from cellwright.rules.imports import import_lots
from cellwright.testing.flow import START_US, Driver

HEADER = "lot,material,measure"


def file_of(folder: Path, content: str | bytes, name: str = "lots.csv") -> LotFile:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_lot_file(path)


def problems_of(folder: Path, content: str | bytes, name: str = "lots.csv") -> list[tuple[int, str, str]]:
    return [(each.line, each.column, each.text) for each in file_of(folder, content, name).problems]


def table(*names: str, **cells: str) -> str:
    """A CSV of one lot whose cells are those given."""
    line = {"lot": "A", "material": "m", "measure": "mm", **cells}
    columns = [*line, *names]
    return ",".join(columns) + "\n" + ",".join(line.get(name, "") for name in columns) + "\n"


# --- formats ----------------------------------------------------------------------------------------


CSV = """\
\ufeff lot ;material;measure;quantity;made_at;parent;parent_start;parent_end;reversed;tolerance
A;foil;MM;5000;2026-01-01T08:00:00+08:00;;;;;

"B;1";roll;mm;2000.0;2026-01-01T00:00:00.000001Z;A;0;2000;yes;
"B;1";;;;;77;;;no;5
77;ink;mg;;;;;;;
"""
JSON = """\
{"lot": "A", "material": "foil", "measure": "mm", "quantity": 5000, "made_at": "2026-01-01T00:00:00Z"}

{"lot": "B;1", "material": "roll", "measure": "mm", "quantity": 2000.0, "made_at": "2026-01-01T00:00:00.000001+00:00", \
"parent": "A", "parent_start": 0, "parent_end": 2000, "reversed": true}
{"lot": "B;1", "material": null, "parent": 77, "reversed": false, "tolerance": 5}
{"lot": 77, "material": "ink", "measure": "mg", "supplier": ""}
"""


def write_parquet(path: Path) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    columns: dict[str, Any] = {
        "lot": ["A", "B;1", "B;1", "77"],
        "material": ["foil", "roll", None, "ink"],
        "measure": ["mm", "mm", None, "mg"],
        "quantity": pa.array([5000.0, 2000.0, float("nan"), None], pa.float64()),
        "made_at": pa.array([moment, moment.replace(microsecond=1), None, None], pa.timestamp("us", "UTC")),
        "parent": [None, "A", "77", None],
        "parent_start": [None, 0, None, None],
        "parent_end": [None, 2000, None, None],
        "reversed": [None, True, False, None],
        "tolerance": [None, None, 5, None],
    }
    parquet.write_table(pa.table(columns), path)


def told(file: LotFile) -> list[tuple[Any, ...]]:
    return [
        (
            lot.lot,
            lot.material,
            lot.measure,
            lot.quantity,
            lot.made_at,
            [(p.parent, p.parent_end, p.reversed, p.tolerance) for p in lot.parents],
        )
        for lot in file.lots.values()
    ]


def test_every_format_says_the_same(tmp_path: Path) -> None:
    write_parquet(tmp_path / "lots.parquet")
    files = [
        file_of(tmp_path, CSV),
        file_of(tmp_path, CSV.replace("B;1", "B~1").replace(";", "\t").replace("B~1", "B;1"), "tabs.csv"),
        file_of(tmp_path, JSON, "lots.jsonl"),
        file_of(tmp_path, JSON.replace("\n", "\r\n"), "lots.NDJSON"),
        read_lot_file(tmp_path / "lots.parquet"),
    ]
    assert [file.problems for file in files] == [[]] * 5
    expected = [
        ("A", "foil", Measure.MM, 5000, START_US, []),
        ("B;1", "roll", Measure.MM, 2000, START_US + 1, [("A", 2000, True, 0), ("77", None, False, 5)]),
        ("77", "ink", Measure.MG, 0, 0, []),
    ]
    assert [told(file) for file in files] == [expected] * 5
    assert [each.line for each in files[0].lots["B;1"].parents] == [4, 5]
    assert [each.line for each in files[4].lots["B;1"].parents] == [2, 3]
    assert len({file.sha256 for file in files}) == 5


@pytest.mark.parametrize(
    ("name", "content", "line", "words"),
    [
        ("lots.xlsx", b"PK", 0, "save it as one of .csv, .jsonl, .ndjson, .parquet"),
        ("lots.csv", b"", 0, "holds no lots"),
        ("lots.csv", HEADER.encode() + b"\n", 0, "holds no lots"),
        ("lots.csv", HEADER.encode() + b"\nA,\xff,mm\n", 2, "byte 23 is not UTF-8; save the file as UTF-8 text"),
        (
            "lots.csv",
            (HEADER + '\nA,"m,mm\n').encode(),
            2,
            "no CSV: unexpected end of data; close every quotation mark",
        ),
        ("lots.csv", (HEADER + "\nA,m\n").encode(), 2, "2 cells under 3 columns"),
        ("lots.jsonl", b'{"lot": 1}}\n', 1, "no JSON object"),
        ("lots.jsonl", b"\n[1, 2]\n", 2, "no JSON object"),
        ("lots.parquet", b"PAR1 is not enough", 0, "no Parquet"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes, line: int, words: str) -> None:
    (found,) = problems_of(tmp_path, content, name)
    assert (found[0], found[1]) == (line, "")
    assert words in found[2]


def test_a_file_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "SIZE_MAX", 10)
    ((line, _, text),) = problems_of(tmp_path, table())
    assert (line, "at most 10 are read; cut it" in text) == (0, True)


def test_columns_are_checked_by_name(tmp_path: Path) -> None:
    found = problems_of(tmp_path, "\nlot,material,quantity,quantity,colour\nA,m,1,1,red\n")
    assert [(line, column) for line, column, _ in found[:3]] == [(2, "quantity"), (2, "colour"), (2, "measure")]
    assert "stands there twice" in found[0][2]
    assert "the columns are lot, material, measure, quantity, remaining" in found[1][2]
    ((line, column, _),) = problems_of(tmp_path, '{"lot":"A","material":"m","measure":"mm","colour":1}\n', "a.jsonl")
    assert (line, column) == (1, "colour")


# --- cells ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("lot", "x" * 129, "at most 128 characters"),
        ("material", "a\x07b", "without control characters"),
        ("measure", "kg", "one of mm, mg, count"),
        ("quantity", "1.5", "a whole number such as 1500"),
        ("quantity", "1e3", "a whole number"),
        ("quantity", "9" * 20, "a whole number"),
        ("remaining", "all", "a whole number"),
        ("made_at", "2026-01-01T00:00:00", "add the zone"),
        ("made_at", "yesterday", "a time with its zone"),
    ],
)
def test_a_wrong_cell_is_told_with_what_was_expected(tmp_path: Path, column: str, cell: str, words: str) -> None:
    ((line, name, text),) = problems_of(tmp_path, table(**{column: cell}))
    assert (line, name) == (2, column)
    assert text.startswith(("'", '"'))
    assert words in text


@pytest.mark.parametrize(
    ("column", "cell"), [("lane", "two"), ("reversed", "perhaps"), ("parent_end", "end"), ("tolerance", "1,5")]
)
def test_a_wrong_cell_about_a_parent_too(tmp_path: Path, column: str, cell: str) -> None:
    ((line, name, _),) = problems_of(tmp_path, table(parent="P", **{column: f'"{cell}"'}))
    assert (line, name) == (2, column)


@pytest.mark.parametrize(
    ("column", "cell"),
    [("quantity", "true"), ("lot", "true"), ("quantity", "[1]"), ("made_at", "5"), ("material", "{}")],
)
def test_json_of_a_wrong_type_is_told(tmp_path: Path, column: str, cell: str) -> None:
    line = {"lot": '"A"', "material": '"m"', "measure": '"mm"', column: cell}
    text = "{" + ",".join(f'"{name}":{value}' for name, value in line.items()) + "}\n"
    assert [each[1] for each in problems_of(tmp_path, text, "a.jsonl")] == [column]


def test_what_is_missing_contradicts_or_has_no_parent_is_told(tmp_path: Path) -> None:
    lines = [
        "lot,material,measure,quantity,parent,lane",
        "A,m,mm,5,,",
        ",m,mm,5,,",
        "B,,,5,A,1",
        "A,m,mg,5,B,",
        "C,m,mm,5,,2",
    ]
    found = problems_of(tmp_path, "\n".join(lines))
    assert [(line, column) for line, column, _ in found] == [
        (3, "lot"),
        (4, "material"),
        (4, "measure"),
        (5, "measure"),
        (6, "lane"),
    ]
    assert "line 2 says otherwise of lot 'A'" in found[3][2]
    assert file_of(tmp_path, "\n".join(lines)).doubtful == {"A", "B", "C"}


# --- pages ------------------------------------------------------------------------------------------


def pages_of(folder: Path, lines: list[str]) -> tuple[list[LotPage], list[Problem]]:
    file = file_of(folder, "\n".join(["lot,material,measure,parent", *lines]))
    assert not file.problems
    return cut_pages(file, "lots.csv")


def test_parents_come_before_children_and_pages_are_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages_module, "_LOTS_MAX", 3)
    monkeypatch.setattr(pages_module, "_PARENTS_MAX", 4)
    lines = [f"L{number},m,mm,L{number + 1}" for number in range(7)] + ["L7,m,mm,"]
    lines += [f"X,m,mm,L{number}" for number in range(6)] + ["Y,m,mm,X"]
    pages, problems = pages_of(tmp_path, lines)
    assert not problems
    assert [page.command.lots for page in pages] == [
        ("L7", "L6", "L5"),
        ("L4", "L3", "L2"),
        ("L1", "L0"),
        ("X",),
        ("Y",),
    ]
    driver = Driver()
    for page in pages:
        driver.must(page.command)


def test_a_cycle_is_told_once_and_all_else_can_be_looked_at(tmp_path: Path) -> None:
    lines = ["A,m,mm,B", "B,m,mm,A", "B,m,mm,C", "C,m,mm,B", "D,m,mm,A", "D,m,mm,NOWHERE", "E,m,mm,E"]
    pages, problems = pages_of(tmp_path, lines)
    assert sorted((each.line, each.column) for each in problems) == [(2, "parent"), (4, "parent"), (8, "parent")]
    refused = import_lots(Driver().state, pages[0].command, START_US).answer
    (reason,) = refused.reasons  # type: ignore[union-attr]
    assert pages[0].problem(reason).line == 7
    assert "'NOWHERE'" in reason.text


# --- the reference ----------------------------------------------------------------------------------


def test_the_reference_names_every_column(checkout: Path) -> None:
    page = (checkout / "docs" / "reference" / "lot-files.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_]+)` \| (.*) \|$", page, re.MULTILINE)
    assert rows == [(name, column.meaning) for name, column in COLUMNS.items()]
    assert (OF_LOT[-1], OF_PARENT[0]) == ("made_at", "parent")
