"""Folding corrections: what was believed goes aside with the number of the correction, what is believed takes its place."""

from collections.abc import Iterable, Iterator

from msgspec import structs

from cellwright.model.correction_facts import (
    PartCorrection,
    PartsCorrected,
    RunCorrection,
    RunsCorrected,
    StockCorrection,
)
from cellwright.model.facts import Envelope
from cellwright.rules.corrected import RecordCorrectionRow, SupersededPart, SupersededRun
from cellwright.rules.folding import row_of
from cellwright.rules.slices import rest_of, slice_of
from cellwright.rules.state import CounterRow, LoadingRow, LoadRun, LotPartRow, LotRow, Row, State

COUNTER = "record_correction"
"""Counts corrections."""


def runs_corrected(state: State, envelope: Envelope, fact: RunsCorrected) -> Iterator[Row]:
    """Yield the rows of corrected runs; a run that is still being extended is closed."""
    yield from _noted(envelope, fact, "run")
    touched: dict[tuple[str, int, int], list[RunCorrection]] = {}
    runs = sorted(
        (run for run in state.rows(LoadRun) if (run.kind, run.layer) == (fact.position, fact.layer)),
        key=lambda run: run.a,
    )
    for each in fact.runs:
        run = next((run for run in runs if run.a <= each.first and each.last <= run.b), None)
        key = (fact.position, fact.layer, each.first) if run is None else run.key
        touched.setdefault(key, []).append(each)
    for key, changes in touched.items():
        yield from _corrected(row_of(state, LoadRun, key), changes, fact.correction)
    yield from _returned(state, fact.stocks)
    for loading in list(state.rows(LoadingRow)):
        if (loading.position, loading.run_layer, loading.run_a) in touched:
            yield structs.replace(loading, run_a=0, run_layer=0)


def _corrected(run: LoadRun, changes: Iterable[RunCorrection], correction: int) -> Iterator[Row]:
    """Yield what stays of a run, what takes the place of its slices, and what these were."""
    yield from rest_of(run, ((each.first, each.last) for each in changes))
    for each in changes:
        old = slice_of(run, each.first, each.last)
        yield structs.replace(
            old, lot=each.lot, start=each.start, end=each.end, tolerance=each.tolerance, correction=correction
        )
        believed = {name: getattr(old, name) for name in old.__struct_fields__ if not name.startswith("slope_")}
        yield SupersededRun(superseded_by=correction, **believed)


def parts_corrected(state: State, envelope: Envelope, fact: PartsCorrected) -> Iterator[Row]:
    """Yield the rows of corrected parts."""
    yield from _noted(envelope, fact, "part")
    for each in fact.parts:
        old = row_of(state, LotPartRow, (each.child, each.number))
        yield corrected_part(each, fact.correction)
        yield SupersededPart(superseded_by=fact.correction, **structs.asdict(old))
    yield from _returned(state, fact.stocks)


def corrected_part(each: PartCorrection, correction: int) -> LotPartRow:
    """Return a part as a correction says it is."""
    now = {name: value for name, value in structs.asdict(each).items() if not name.startswith("was_")}
    return LotPartRow(**now, correction=correction)


def _noted(envelope: Envelope, fact: RunsCorrected | PartsCorrected, subject: str) -> Iterator[Row]:
    yield CounterRow(name=COUNTER, value=fact.correction)
    yield RecordCorrectionRow(
        id=fact.correction,
        subject=subject,
        reason=fact.reason,
        corrected_us=envelope.recorded_us,
        corrected_by=envelope.actor,
        second_person=fact.second_person,
    )


def _returned(state: State, stocks: Iterable[StockCorrection]) -> Iterator[Row]:
    for each in stocks:
        lot = row_of(state, LotRow, each.lot)
        yield structs.replace(lot, remaining=lot.remaining + each.returned, cursor=lot.cursor - each.returned)
