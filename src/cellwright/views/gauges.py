"""What the gauges of a station add to what they measure, estimated from the last pages that it reported."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct, structs

from cellwright.analysis.grading.effects import Codes, Component, Effects, Factor, fit_effects, statement
from cellwright.analysis.quantiles import Floats
from cellwright.database.pool import Connection
from cellwright.model.commands import Result
from cellwright.model.corrections import Correction, GaugeEffect, Share, Window
from cellwright.rules.corrections import corrected_column

PAGES_MAX: Final = 1_000

NOTHING_RATIO: Final = 0.001
"""A share of the variance under which it was estimated as nothing."""

LAST_PAGES: Final = """
    SELECT h.time_us, f.body
    FROM (SELECT position, time_us FROM history
          WHERE station = $1 AND operation = $2 AND kind = 'OperationCompleted'
          ORDER BY time_us DESC LIMIT $3) AS h
    CROSS JOIN LATERAL (SELECT body FROM fact WHERE fact.position = h.position OFFSET 0) AS f
    ORDER BY h.time_us
"""
LOTS_OF_UNITS: Final = """
    SELECT n.id, r.lot
    FROM unnest($1::bigint[]) AS n (id)
    CROSS JOIN LATERAL (SELECT lot, b FROM load_run
                        WHERE kind = $2 AND layer = 0 AND a <= n.id ORDER BY a DESC LIMIT 1) AS r
    WHERE r.b >= n.id
"""


class GaugeStudy(Struct, frozen=True, kw_only=True):
    """What was found of one characteristic: effects to be released, where its variance came from, and what to know of it."""

    station: str
    operation: str
    characteristic: str
    window: Window
    effects: tuple[GaugeEffect, ...] = ()
    shares: tuple[Share, ...] = ()
    rest_ratio: float | None = None
    """Standard deviation of what is left, as a share of the value: cells and repeatability together."""
    notes: tuple[str, ...] = ()
    problem: str = ""
    """Why nothing could be estimated, "" = it was."""


class _Body(Struct, frozen=True):
    units: tuple[int, ...]
    results: tuple[Result, ...] = ()


class _Row(Struct, frozen=True):
    """A value that was measured once: of which unit, without what temperature does, and with which gauges."""

    unit: int
    page: int
    value: float
    gauges: tuple[float, ...]


_BODY = msgspec.json.Decoder(_Body)


async def study_gauges(
    connection: Connection, station: str, operation: str, *, correction: Correction, pages_count: int
) -> GaugeStudy:
    """Estimate the effects of a station's gauges on a characteristic from its last pages, as far as people's views go."""
    records = await connection.fetch(LAST_PAGES, station, operation, pages_count)
    rows = [
        row for page, record in enumerate(records) for row in _rows(_BODY.decode(record["body"]), correction, page=page)
    ]
    lots = await _lots(connection, rows, correction.lots)
    study = GaugeStudy(
        station=station,
        operation=operation,
        characteristic=correction.characteristic,
        window=Window(
            pages_count=len(records),
            units_count=len(rows),
            from_us=records[0]["time_us"] if records else 0,
            to_us=records[-1]["time_us"] if records else 0,
        ),
    )
    return _studied(study, rows, lots, correction.by)


def _rows(body: _Body, correction: Correction, *, page: int) -> list[_Row]:
    columns: dict[str, Sequence[float | None]] = {each.characteristic: each.values for each in body.results}
    nothing = (None,) * len(body.units)
    if not columns.get(correction.characteristic):
        return []
    values, _ = corrected_column(structs.replace(correction, by=()), columns, None)
    gauges = zip(*(columns.get(by) or nothing for by in correction.by), strict=True)
    return [
        _Row(unit, page, value, tuple(named))
        for unit, value, named in zip(body.units, values, gauges, strict=True)
        if value is not None and None not in named
    ]


async def _lots(connection: Connection, rows: Sequence[_Row], position: str) -> dict[int, int]:
    """Return the lot that each unit took at a position, where it took one."""
    if not position:
        return {}
    found = await connection.fetch(LOTS_OF_UNITS, sorted({row.unit for row in rows}), position)
    return {record["id"]: record["lot"] for record in found}


def _studied(study: GaugeStudy, rows: Sequence[_Row], lots: Mapping[int, int], by: Sequence[str]) -> GaugeStudy:
    levels = [np.unique(np.array([row.gauges[index] for row in rows]), return_inverse=True) for index in range(len(by))]
    for name, (seen, _) in zip(by, levels, strict=True):
        if len(seen) == 1:
            return structs.replace(study, problem=_alone(name))
    factors = [Factor(name=name, codes=codes) for name, (_, codes) in zip(by, levels, strict=True)]
    factors += _true_factors(rows, lots)
    try:
        effects = fit_effects(np.log([row.value for row in rows]), factors)
    except ValueError as error:
        return structs.replace(study, problem=str(error))
    pages = np.array([row.page for row in rows])
    gauges = [
        _gauge(part, seen, _means_errors(effects, codes, pages))
        for part, (seen, codes) in zip(effects.components, levels, strict=False)
    ]
    shares = [Share(each.name, each.share_ratio) for each in effects.components]
    return structs.replace(
        study,
        effects=tuple(gauges),
        shares=(*shares, Share("rest", effects.rest_share_ratio)),
        rest_ratio=math.sqrt(effects.rest_variance),
        notes=statement(_worth_saying(effects)),
    )


def _worth_saying(effects: Effects) -> Effects:
    """Leave out that each page was in one chamber: it always is. That a chamber held one page alone is worth saying."""
    pairs = set(effects.nested)
    kept = (pair for pair in effects.nested if pair[0] != "page" or pair[::-1] in pairs)
    return structs.replace(effects, nested=tuple(kept))


def _true_factors(rows: Sequence[_Row], lots: Mapping[int, int]) -> list[Factor]:
    """What the units of a page, or of a lot, have in common is true of them: a chamber that saw them gets no blame."""
    columns = {"page": [row.page for row in rows], "lot": [lots.get(row.unit, 0) for row in rows]}
    return [
        Factor(name=name, codes=np.unique(column, return_inverse=True)[1], is_bias=False)
        for name, column in columns.items()
        if len(set(column)) > 1
    ]


def _alone(name: str) -> str:
    return f"{name} was the same in all pages: what it adds cannot be told from the cells; take pages of more than one"


def _means_errors(effects: Effects, codes: Codes, pages: Codes) -> Floats:
    """Return by gauge the standard error of the mean of what it measured: cells scatter, and so do its pages."""
    page_variance = sum(part.variance for part in effects.components if part.name == "page")
    pages_count = np.bincount(np.unique(np.column_stack([codes, pages]), axis=0)[:, 0])
    return np.sqrt(effects.rest_variance / np.bincount(codes) + page_variance / pages_count)


def _gauge(part: Component, seen: Floats, means_errors: Floats) -> GaugeEffect:
    """Return an effect as it is released.

    A spread that was estimated as nothing is not known to be nothing: how far such gauges are off is known no better than
    the means of what they measured.
    """
    if part.share_ratio < NOTHING_RATIO:
        spread = float(np.sqrt(np.mean(means_errors**2)))
        part = structs.replace(part, errors=means_errors, variance=spread**2)
    return GaugeEffect(
        by=part.name,
        levels=tuple(int(level) for level in seen),
        offsets_ratio=tuple(part.effects.tolist()),
        errors_ratio=tuple(part.errors.tolist()),
        counts=tuple(part.counts.tolist()),
        spread_ratio=math.sqrt(part.variance),
    )
