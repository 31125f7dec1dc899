"""`cellwright gauge`: a study of a gauge from a table, and what is wrong with a table."""

import math
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from cellwright.analysis.grading.gauge import GaugeStudy, study


def said(path: Path, *arguments: str, code: int = 0) -> str:
    command = [sys.executable, "-m", "cellwright", "gauge", str(path), *arguments]
    ended = subprocess.run(command, capture_output=True, check=False, text=True)
    assert ended.returncode == code, ended.stderr
    return ended.stdout or ended.stderr


def measured(tmp_path: Path) -> tuple[Path, "np.ndarray[tuple[int, ...], np.dtype[np.float64]]"]:
    """Ten cells, three channels, three times: 1 % among cells, 1 % among channels, 0.2 % when repeated; rows shuffled."""
    random = np.random.default_rng(5)
    noise = random.normal(0, 0.000024, (10, 3, 3))
    values = 0.0122 + random.normal(0, 0.00012, (10, 1, 1)) + random.normal(0, 0.00012, (1, 3, 1)) + noise
    rows = [(f"C{part}", f"CH{name}", repeat) for part in range(10) for name in range(3) for repeat in range(3)]
    lines = [f"{part},{name},{float(values[int(part[1:]), int(name[2:]), repeat])!r}" for part, name, repeat in rows]
    path = tmp_path / "study.csv"
    path.write_text("\n".join(["part,appraiser,value", *random.permutation(lines).tolist()]) + "\n")
    return path, values


def test_a_study_says_what_the_function_says_whatever_the_order_of_lines(tmp_path: Path) -> None:
    path, values = measured(tmp_path)
    found, expected = msgspec.json.decode(said(path, "--json"), type=GaugeStudy), study(values)
    assert found.repeatability.value == pytest.approx(expected.repeatability.value)
    assert found.gauge.share_ratio == pytest.approx(expected.gauge.share_ratio)
    text = said(path)
    assert text.startswith("10 parts, 3 appraisers, 3 times each")
    assert f"repeatability: {math.sqrt(expected.repeatability.value):.4g} (" in text
    assert f"tells {expected.distinct_count} classes apart" in text


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("part,value\nA,1\n", "has no column appraiser; the first line names part, appraiser, value"),
        ("part,appraiser,value\nA,X,1\nA,X,none\n", "line 3: found 'none' as value; a number is needed"),
        ("part,appraiser,value\nA,X,1\nA,X,inf\n", "line 3: found 'inf' as value"),
        (
            "part,appraiser,value\nA,X,1\nA,X,2\nB,X,1\nB,X,2\nA,Y,1\nA,Y,2\nB,Y,1\n",
            "Y measured part B 1 times, most were 2 times",
        ),
        ("part,appraiser,value\nA,X,1\nA,X,2\nB,X,1\nB,X,2\n", "needs two parts, appraisers and repeats or more"),
        ("part,appraiser,value\n", "needs two parts, appraisers and repeats or more"),
        ("", "has no column part, appraiser, value"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(tmp_path: Path, content: str, text: str) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text(content)
    assert text in said(path, code=1)
