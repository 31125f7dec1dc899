"""How warmth moves the open-circuit voltage of cells, estimated from the last pages of a station that measures self-discharge.

What the cells of a page have in common, as the thermometer of their rack, is no news from the second cell on. So each page
counts once, with the medians of its cells.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct, structs

from cellwright.analysis.grading.entropy import COUNT_MIN, fit_entropy
from cellwright.analysis.quantiles import Floats
from cellwright.database.pool import Connection
from cellwright.model.commands import Result
from cellwright.model.self_discharge import Doubt, SelfDischarge
from cellwright.rules.leaks import discharge_of
from cellwright.rules.self_discharge import MV_PER_V
from cellwright.views.gauges import LAST_PAGES

CELLS_MIN: Final = 5
"""A page with fewer usable cells has no median to speak of."""


class WarmingStudy(Struct, frozen=True, kw_only=True):
    """What was found of dU/dT, beside what the plant's files say; None = unknown."""

    station: str
    operation: str
    pages_count: int
    """Pages that had enough cells on the slope of the curve, after the nominal rest."""
    entropy_mv_per_c: float | None = None
    error_mv_per_c: float | None = None
    told_mv_per_c: float | None
    told_error_mv_per_c: float
    problem: str = ""
    """Why nothing could be estimated, "" = it was."""


class _Body(Struct, frozen=True):
    units: tuple[int, ...]
    results: tuple[Result, ...] = ()


_BODY = msgspec.json.Decoder(_Body)


async def study_warming(
    connection: Connection, station: str, operation: str, *, rule: SelfDischarge, pages_count: int
) -> WarmingStudy:
    """Estimate dU/dT from a station's last pages, as far as people's views go."""
    records = await connection.fetch(LAST_PAGES, station, operation, pages_count)
    bodies = [_BODY.decode(record["body"]) for record in records]
    pages = [page for body in bodies if (page := _page(body, rule)) is not None]
    study = WarmingStudy(
        station=station,
        operation=operation,
        pages_count=len(pages),
        told_mv_per_c=rule.entropy_mv_per_c,
        told_error_mv_per_c=rule.entropy_error_mv_per_c,
    )
    changes: Floats = np.array(pages, dtype=np.float64).reshape(-1, 2)
    found = fit_entropy(changes[:, 0], changes[:, 1])
    if found is None:
        return structs.replace(study, problem=_problem(len(pages)))
    return structs.replace(study, entropy_mv_per_c=found[0], error_mv_per_c=found[1])


def _problem(count: int) -> str:
    if count < COUNT_MIN:
        return f"{count} pages have {CELLS_MIN} usable cells or more; it takes {COUNT_MIN} that rested as the files say"
    return "all pages were as much warmer the second time; it takes pages that were not"


def _page(body: _Body, rule: SelfDischarge) -> tuple[float, float] | None:
    """Return by how much temperature (degree C) and voltage (mV) of a page's usable cells changed; None = too few are."""
    columns: Mapping[str, Sequence[float | None]] = {each.characteristic: each.values for each in body.results}
    if not columns.get(rule.ocv1) or not columns.get(rule.ocv2):
        return None
    anywhere = structs.replace(rule, entropy_mv_per_c=None, temperature_tolerance_c=math.inf)
    doubts = discharge_of(anywhere, columns, len(body.units)).doubts
    usable = [index for index, doubt in enumerate(doubts) if doubt is Doubt.NONE]
    if len(usable) < CELLS_MIN:
        return None
    names = (rule.ocv1_temperature, rule.ocv2_temperature, rule.ocv1, rule.ocv2)
    first_c, second_c, first_v, second_v = (np.array(columns[name], dtype=np.float64)[usable] for name in names)
    return float(np.median(second_c - first_c)), float(np.median(second_v - first_v)) * MV_PER_V
