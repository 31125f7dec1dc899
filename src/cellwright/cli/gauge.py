"""`cellwright gauge`: repeatability and reproducibility of a gauge, from a table of repeated measurements."""

import csv
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NoReturn

import click
import numpy as np

from cellwright.analysis.grading.gauge import GaugeStudy, Variance, study
from cellwright.cli.common import json_option, printable, show
from cellwright.cli.main import EXIT_FAILED

_COLUMNS: Final = ("part", "appraiser", "value")
_PROBLEMS_SHOWN: Final = 10

Values = dict[tuple[str, str], list[float]]
"""What was measured, by part and appraiser, in the order of the file."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, readable=True))
@json_option
def gauge(file: Path, *, as_json: bool) -> None:
    """Tell how much of what is measured is the gauge: repeatability and reproducibility, by analysis of variance.

    FILE is CSV with the columns part, appraiser (a person, tester or channel) and value: every appraiser measures every part
    equally often, twice or more. Exit code 1 when the table is not so.
    """
    values, problems = read_values(file)
    problems = problems or _gaps(values)
    if problems:
        _refuse(file, problems)
    try:
        found = study(_table(values))
    except ValueError as error:
        _refuse(file, [str(error)])
    show(found, as_json=as_json, lines=lambda: list(study_lines(found, values)))


def _refuse(file: Path, problems: list[str]) -> NoReturn:
    for line in problems[:_PROBLEMS_SHOWN]:
        click.echo(printable(f"{file.name}: {line}"), err=True)
    sys.exit(EXIT_FAILED)


def read_values(file: Path) -> tuple[Values, list[str]]:
    """Read a table; returns what was measured, and everything that is wrong with the file."""
    values: Values = {}
    problems = []
    with file.open(newline="", encoding="utf-8-sig", errors="replace") as stream:
        rows = csv.DictReader(stream)
        missing = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
        if missing:
            return {}, [f"has no column {', '.join(missing)}; the first line names {', '.join(_COLUMNS)}"]
        for row in rows:
            value = _number(row["value"])
            if value is None:
                problems.append(f"line {rows.line_num}: found {row['value']!r} as value; a number is needed")
            else:
                values.setdefault((row["part"] or "", row["appraiser"] or ""), []).append(value)
    return values, problems


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _named(values: Values) -> tuple[list[str], list[str]]:
    return list(dict.fromkeys(part for part, _ in values)), list(dict.fromkeys(name for _, name in values))


def _gaps(values: Values) -> list[str]:
    """Return a sentence for each part that an appraiser did not measure as often as most."""
    counts = [len(each) for each in values.values()]
    wanted = max(counts, key=counts.count, default=0)
    parts, appraisers = _named(values)
    return [
        f"{appraiser} measured part {part} {len(values.get((part, appraiser), []))} times, most were {wanted} times; "
        "measure it, or leave the part out"
        for part in parts
        for appraiser in appraisers
        if len(values.get((part, appraiser), [])) != wanted
    ]


def _table(values: Values) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    parts, appraisers = _named(values)
    rows = [[values[part, appraiser] for appraiser in appraisers] for part in parts]
    return np.array(rows, dtype=np.float64) if rows else np.empty((0, 0, 0))


def study_lines(found: GaugeStudy, values: Values) -> Iterator[str]:
    """Yield a study for people: each part of the spread as a standard deviation, its share, and how far it is known."""
    parts, appraisers = _named(values)
    repeats = len(next(iter(values.values())))
    yield f"{len(parts)} parts, {len(appraisers)} appraisers, {repeats} times each; all as standard deviations"
    named = {
        "repeatability": found.repeatability,
        "appraiser": found.appraiser,
        "appraiser x part": found.interaction,
        "gauge, all three": found.gauge,
        "part": found.part,
        "total": found.total,
    }
    for name, variance in named.items():
        yield f"{name:>17}: {_sigma(variance)}"
    yield f"the gauge has {found.gauge_sigma_ratio:.1%} of the total deviation and tells {found.distinct_count} classes apart"


def _sigma(variance: Variance) -> str:
    low, high = (f"{math.sqrt(max(0.0, each)):.4g}" for each in (variance.lower, variance.upper))
    return f"{math.sqrt(variance.value):.4g} ({low} to {high}), {variance.share_ratio:.1%} of the variance"
