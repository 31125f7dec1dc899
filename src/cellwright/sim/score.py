"""Truth against record: how many lots, intervals, slots, operations and dispositions were booked wrongly.

The recorded side is plain data, fetched by whoever asks from the product's public views.
"""

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct, field

from cellwright.sim.catalogue import ROUTES
from cellwright.sim.lots import LENGTH_TOLERANCE_MM, MASS_TOLERANCE_RATIO, Part
from cellwright.sim.truth import LotTruth, Truth
from cellwright.sim.units import Interval, Place, Unit
from cellwright.views.recorded import Record, RecordedInterval, RecordedPart

_DETAILS_MAX = 10
_IN_FLIGHT_MAX = 10
"""Units that may have been admitted just as the run ended: the machines never learnt of them."""
_TOLERANCES_MAX = {"electrolyte": 12_000, "adhesive": 3000} | dict.fromkeys(
    ("cathode", "anode", "separator_a", "separator_b"), 2 * LENGTH_TOLERANCE_MM
)
"""Widest tolerance that says anything, by position (mm or mg); positions that count pieces have none."""
_PART_TOLERANCES_MAX = {"mm": 4 * LENGTH_TOLERANCE_MM, "mg": 100_000}
"""The same for parts of lots, by the parent's measure."""


class Score(Struct, frozen=True):
    """Count of errors in the record, and the first few of each as sentences."""

    wrong_intervals: int
    missing_intervals: int
    wrong_dispositions: int
    skipped_operations: int
    compared_intervals: int
    details: dict[str, list[str]] = field(default_factory=dict)


class _Findings:
    """Errors by kind."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {
            "wrong_intervals": [],
            "missing_intervals": [],
            "wrong_dispositions": [],
            "skipped_operations": [],
        }

    def add(self, kind: str, sentences: Iterable[str]) -> None:
        self.found[kind].extend(sentences)


def score(truth: Truth, record: Record) -> Score:
    """Compare a record with the truth of the same run."""
    findings = _Findings()
    compared = _score_intervals(truth, record, findings)
    compared += _score_parts(truth, record, findings)
    compared += _score_members(truth, record, findings)
    findings.add("wrong_dispositions", _wrong_dispositions(truth, record))
    findings.add("wrong_dispositions", _invented_units(truth, record))
    findings.add("skipped_operations", _skipped_operations(truth, record))
    counts = {kind: len(sentences) for kind, sentences in findings.found.items()}
    details = {kind: sentences[:_DETAILS_MAX] for kind, sentences in findings.found.items() if sentences}
    return Score(**counts, compared_intervals=compared, details=details)


def _score_intervals(truth: Truth, record: Record, findings: _Findings) -> int:
    recorded: dict[str, list[RecordedInterval]] = {}
    for each in record.intervals:
        recorded.setdefault(each.unit, []).append(each)
    for code, unit in truth.units.items():
        findings.add("missing_intervals", _match_intervals(unit, recorded.get(code, [])))
    for code, rest in recorded.items():
        known = code in truth.units
        findings.add("wrong_intervals", (_interval_text(each, known=known) for each in rest))
    return sum(len(unit.intervals) for unit in truth.units.values())


def _match_intervals(unit: Unit, recorded: list[RecordedInterval]) -> Iterator[str]:
    """Take the recorded intervals that are right out of the list; yield a sentence for each true one not found.

    A true interval whose position is recorded, but wrongly, is no hole: the record of it stays and counts as wrong.
    """
    unmatched = []
    for interval in unit.intervals:
        match = next((each for each in recorded if _is_right(each, interval)), None)
        if match is None:
            unmatched.append(interval)
        else:
            recorded.remove(match)
    wrong = Tally(each.kind for each in recorded)
    for interval in unmatched:
        if wrong[interval.kind] > 0:
            wrong[interval.kind] -= 1
        else:
            span = f"[{interval.start:.1f}, {interval.end:.1f})"
            yield f"unit {unit.code}: {interval.kind} from lot {interval.lot} {span} is not recorded"


def _is_right(recorded: RecordedInterval, true: Interval) -> bool:
    return (
        recorded.kind == true.kind
        and recorded.lot == true.lot
        and recorded.tolerance <= _TOLERANCES_MAX.get(recorded.kind, 0)
        and abs(recorded.start - true.start) <= recorded.tolerance
        and abs(recorded.end - true.end) <= recorded.tolerance
    )


def _interval_text(each: RecordedInterval, *, known: bool) -> str:
    why = "is not what the unit took" if known else "belongs to a unit that does not exist"
    return f"unit {each.unit}: {each.kind} from lot {each.lot} [{each.start}, {each.end}) +- {each.tolerance} {why}"


def _score_parts(truth: Truth, record: Record, findings: _Findings) -> int:
    recorded: dict[str, list[RecordedPart]] = {}
    for each in record.parts:
        recorded.setdefault(each.child, []).append(each)
    for lot in truth.lots.values():
        _match_parts(truth, lot, recorded.get(lot.code, []), findings)
    for code, rest in recorded.items():
        why = "was not made of that" if code in truth.lots else "does not exist"
        findings.add("wrong_intervals", (f"lot {code} {why}: a part of {each.parent}" for each in rest))
    return sum(len(lot.parts) for lot in truth.lots.values())


def _match_parts(truth: Truth, lot: LotTruth, recorded: list[RecordedPart], findings: _Findings) -> None:
    """Take each true part's record, right or wrong, out of the list; what stays was never so."""
    unmatched = []
    for part in lot.parts:
        match = next((each for each in recorded if _is_right_part(truth, each, part, lot)), None)
        if match is None:
            unmatched.append(part)
        else:
            recorded.remove(match)
    for part in unmatched:
        wrong = next((each for each in recorded if each.parent == part.parent), None)
        if wrong is not None:
            recorded.remove(wrong)
        kind = "missing_intervals" if wrong is None else "wrong_intervals"
        findings.add(kind, [f"lot {lot.code}: {_part_text(part)} is not recorded so"])


def _is_right_part(truth: Truth, recorded: RecordedPart, true: Part, child: LotTruth) -> bool:
    slack = LENGTH_TOLERANCE_MM if child.measure == "mm" else child.size * MASS_TOLERANCE_RATIO
    parent = truth.lots.get(true.parent)
    return (
        recorded.parent == true.parent
        and recorded.lane == true.lane
        and recorded.reversed == true.reversed
        and recorded.tolerance <= _PART_TOLERANCES_MAX.get(child.measure if parent is None else parent.measure, 0)
        and abs(recorded.parent_start - true.p0) <= recorded.tolerance
        and abs(recorded.parent_end - true.p1) <= recorded.tolerance
        and abs(recorded.child_start - true.c0) <= slack
        and abs(recorded.child_end - true.c1) <= slack
    )


def _part_text(part: Part) -> str:
    return f"[{part.p0:.1f}, {part.p1:.1f}) of {part.parent} as [{part.c0:.1f}, {part.c1:.1f}), lane {part.lane}"


def _score_members(truth: Truth, record: Record, findings: _Findings) -> int:
    recorded = {(each.unit, each.parent, each.slot) for each in record.members}
    true = {(unit.code, unit.parent, unit.slot) for unit in truth.units.values() if unit.parent}
    missing, wrong = true - recorded, recorded - true
    moved = {unit for unit, _, _ in wrong}
    findings.add("wrong_intervals", (f"unit {unit} is not in slot {slot} of {parent}" for unit, parent, slot in wrong))
    lost = ((unit, parent, slot) for unit, parent, slot in missing if unit not in moved)
    findings.add(
        "missing_intervals", (f"unit {unit} in slot {slot} of {parent} is not recorded" for unit, parent, slot in lost)
    )
    return len(true)


_EXPECTED = {
    Place.LINE: {"line"},
    Place.PARKED: {"line", "hold", "scrap"},
    Place.SCRAP: {"scrap"},
    Place.HOLD: {"hold"},
    Place.DONE: {"done"},
    Place.MEMBER: {"member"},
    Place.SHIPPED: {"done"},
}
"""Where a unit physically is -> what the record may say of it."""


def _wrong_dispositions(truth: Truth, record: Record) -> Iterator[str]:
    recorded = {each.unit: each.disposition for each in record.dispositions}
    for code, unit in truth.units.items():
        said = recorded.get(code, "nothing")
        # A finished unit that waits for its place in a parent is still on the line physically.
        expected = _EXPECTED[unit.place] | ({"done"} if unit.place is Place.LINE else set())
        if said not in expected:
            yield f"unit {code} is physically {unit.place.value}, the record says {said}"
        elif unit.place in (Place.MEMBER, Place.SHIPPED) and _was_last_bad(unit):
            yield f"unit {code} failed its last test of an operation and was built in or shipped"


def _invented_units(truth: Truth, record: Record) -> Iterator[str]:
    """Yield what is recorded of units that no machine made, but for a few admitted just as the run ended."""
    invented = [each for each in record.dispositions if each.unit not in truth.units]
    excused = [each for each in invented if each.disposition == "line"][:_IN_FLIGHT_MAX]
    worked = {each.unit for each in record.works if each.operations}
    for each in invented:
        if each not in excused or each.unit in worked:
            yield f"unit {each.unit} does not exist, the record says {each.disposition}"
    known = {each.unit for each in record.dispositions} | set(truth.units)
    yield from (f"unit {unit} does not exist, the record says that it was worked on" for unit in worked - known)


def _was_last_bad(unit: Unit) -> bool:
    last = {work.operation: work.is_good for work in unit.works}
    return not all(last.values())


def _skipped_operations(truth: Truth, record: Record) -> Iterator[str]:
    recorded = {each.unit: each.operations for each in record.works}
    for code, unit in truth.units.items():
        done = tuple(work.operation for work in unit.works)
        said = recorded.get(code, ())
        skipped = _skipped_of(unit.kind, done)
        if skipped:
            yield f"unit {code} physically skipped {', '.join(skipped)}"
        elif said != done:
            yield f"unit {code} physically had {', '.join(done)}; recorded are {', '.join(said) or 'none'}"


def _skipped_of(kind: str, done: Sequence[str]) -> list[str]:
    route = ROUTES[kind]
    reached = [route.index(operation) for operation in done if operation in route]
    furthest = max(reached, default=-1)
    return [operation for operation in route[:furthest] if operation not in done]
