"""What a page of curves says of its tests together: one batch for each operation in it, with what stands out."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from cellwright.analysis.curves.batch import JUDGED, find_unlike
from cellwright.analysis.curves.channels import ChannelHealth, ChannelTests, channel_health
from cellwright.analysis.curves.contacts import Contacts, Fault, reason_of
from cellwright.analysis.curves.page import Curves
from cellwright.analysis.curves.robust import middle
from cellwright.analysis.quantiles import Floats
from cellwright.model.samples import Curve, CurveHead, CurvePage, CurvePoints
from cellwright.plant.curve_results import FAULT, METHOD, WHOLE_TEST, fault_of
from cellwright.telemetry.batches import NOT_JUDGED, CurveBatch
from cellwright.telemetry.features import StepFeatures

_SIGNS: Final = (
    "greatest_jump_v",
    "step_ohm",
    "onset_ohm",
    "onset_off_sigma",
    "end_v",
    "discharge_ah",
    "discharge_ratio",
)
_UNKNOWN: Final = frozenset({NOT_JUDGED, Fault.UNKNOWN})

Values = Mapping[str, float | None]


class ChannelState(Struct, frozen=True, kw_only=True):
    """A channel as a cycler names it, and what is known of it."""

    channel: str
    health: ChannelHealth


def batches_of(page: CurvePage, batch: int, results: Sequence[StepFeatures]) -> list[CurveBatch]:
    """Return the batches of a page that is kept as `batch`, of each operation that `results` tell of."""
    whole = {(each.unit, each.operation, each.attempt): each.values for each in results if each.step == WHOLE_TEST}
    begins = np.append(0, page.ends[:-1]).tolist()
    spans = list(zip(begins, np.asarray(page.ends).tolist(), strict=True))
    found = []
    for operation in sorted({each.operation for each in results}):
        places = [place for place, head in enumerate(page.heads) if head.operation == operation]
        curves = [Curve(page.heads[place], _cut(page.points, *spans[place])) for place in places]
        found.append(_batch(batch, curves, [whole[page.heads[place].identity] for place in places]))
    return found


def curves_of(curves: Sequence[Curve]) -> Curves:
    """Return stored curves as a page of the analysis; samples without current or voltage are left out."""
    columns = {
        name: np.concatenate([np.zeros(0), *(getattr(each.points, name) for each in curves)])
        for name in ("currents_a", "voltages_v", "temperatures_c")
    }
    times_us = np.concatenate([np.zeros(0, np.int64), *(np.asarray(each.points.times_us) for each in curves)])
    borders = np.cumsum([0, *(len(each.points.times_us) for each in curves)])
    known = np.flatnonzero(np.isfinite(columns["currents_a"]) & np.isfinite(columns["voltages_v"]))
    return Curves(
        starts=np.searchsorted(known, borders).astype(np.int64),
        time_us=times_us[known].astype(np.int64),
        current_a=columns["currents_a"][known],
        voltage_v=columns["voltages_v"][known],
        temperature_c=columns["temperatures_c"][known],
    )


def reason_for(values: Values) -> str:
    """Say in a sentence why a test is to be repeated, by the features of the whole test; "" where nothing is wrong."""
    fault = fault_of(values)
    columns = {name: np.array([_number(values.get(name))]) for name in _SIGNS}
    jumps = np.array([int(values.get("jumps_count") or 0)])
    return reason_of(Contacts(faults=(Fault(fault),), jumps_count=jumps, **columns), 0)


def channel_states(batches: Sequence[CurveBatch], channels: Sequence[str]) -> list[ChannelState]:
    """Return what batches of one operation say of channels, what stands out first; the oldest batch may stand anywhere."""
    numbers = {name: number for number, name in enumerate(sorted({*channels} - {""}))}
    ordered = sorted(batches, key=lambda each: (each.start_us, each.batch))
    rows = [
        (numbers[channel], at, _share(each, place), onset, each.faults[place])
        for at, each in enumerate(ordered)
        for place, (channel, onset) in enumerate(zip(each.channels, _shares(each.onset_ohms), strict=True))
        if channel in numbers
    ]
    if not rows:
        return []
    columns = list(zip(*rows, strict=True))
    tests = ChannelTests(
        channels=np.array(columns[0], np.int64),
        batches=np.array(columns[1], np.int64),
        discharge_ratios=np.array(columns[2], np.float64),
        onset_ratios=np.array(columns[3], np.float64),
        is_fault=np.array([_is_fault(fault) for fault in columns[4]]),
        is_judged=np.array([fault not in _UNKNOWN for fault in columns[4]]),
    )
    names = list(numbers)
    return [ChannelState(channel=names[each.channel], health=each) for each in channel_health(tests)]


def _share(batch: CurveBatch, place: int) -> float:
    """Return a test's discharge as a share of its batch's; a contact fault is counted as such, and no discharge."""
    return np.nan if _is_fault(batch.faults[place]) else _number(batch.discharge_ratios[place])


def _is_fault(fault: str) -> bool:
    return fault != "" and fault not in _UNKNOWN


def _shares(ohms: Sequence[float | None]) -> list[float]:
    """Return resistances as shares of their median; a fault of one contact must not move the others."""
    column = np.array([_number(each) for each in ohms])
    usual = float(middle(column))
    return (column / usual).tolist() if usual > 0 else [np.nan] * len(column)


def _batch(batch: int, curves: Sequence[Curve], whole: Sequence[Values]) -> CurveBatch:
    heads: list[CurveHead] = [each.head for each in curves]
    features = {name: _column(whole, name) for name in JUDGED}
    unlike = find_unlike(features, curves_of(curves))
    faults = tuple(_fault(values) for values in whole)
    shares = features["discharge_ah"] / middle(features["discharge_ah"])
    unknown = [fault in _UNKNOWN or not known for fault, known in zip(faults, unlike.is_known.tolist(), strict=True)]
    return CurveBatch(
        batch=batch,
        operation=heads[0].operation,
        start_us=min(int(each.points.times_us[0]) for each in curves),
        end_us=max(int(each.points.times_us[-1]) for each in curves),
        units=tuple(head.unit for head in heads),
        attempts=tuple(head.attempt for head in heads),
        channels=tuple(head.channel for head in heads),
        faults=faults,
        discharge_ratios=_known(shares),
        onset_ohms=_known(features["onset_ohm"]),
        outliers=unlike.outliers,
        unknown_count=sum(unknown),
        method=METHOD,
    )


def _fault(values: Values) -> str:
    """Return the fault of a test; nobody looked for one where the recipe does not say when a discharge ends."""
    is_judged = any(name.startswith(FAULT) and value is not None for name, value in values.items())
    return fault_of(values) if is_judged else NOT_JUDGED


def _cut(points: CurvePoints, start: int, end: int) -> CurvePoints:
    return CurvePoints(*(getattr(points, name)[start:end] for name in CurvePoints.__struct_fields__))


def _column(whole: Sequence[Values], name: str) -> Floats:
    return np.array([_number(values.get(name)) for values in whole], np.float64)


def _number(value: float | None) -> float:
    return np.nan if value is None else value


def _known(values: Floats) -> tuple[float | None, ...]:
    return tuple(float(each) if np.isfinite(each) else None for each in values)
