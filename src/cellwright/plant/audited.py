"""What the audit trail keeps of a command that a person gave: asked, answered, and what it changed from what to what."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from cellwright.journal.audit import Author, Change
from cellwright.model.answers import Answer, Refusal
from cellwright.model.commands import Command, HoldSubject, Submission
from cellwright.rules.correction_rows import CorrectionRow
from cellwright.rules.dated import OrderRow
from cellwright.rules.job_rows import CallRow, JobRow
from cellwright.rules.sample_rows import SampleRow, SampleStandRow
from cellwright.rules.state import (
    CalibrationRow,
    CarrierRow,
    HoldRow,
    LoadingRow,
    LotRow,
    PersonRow,
    QualificationRow,
    Row,
    State,
    ToolRow,
    UnitRow,
)

PEOPLE: Final = frozenset({"web", "cli"})
"""Sources of commands that people give."""

_SHOWN_MAX = 20
_NAMES: Final = (
    "person",
    "order",
    "job",
    "call",
    "lot",
    "units",
    "codes",
    "recorded",
    "carrier",
    "tool",
    "station",
    "position",
    "firsts",
    "lasts",
    "lots",
    "parents",
)
"""Fields of commands that name what they are about, the most telling first."""

_KINDS: Final[Mapping[type[Any], str]] = {
    UnitRow: "unit",
    LotRow: "lot",
    LoadingRow: "loading",
    CarrierRow: "carrier",
    HoldRow: "hold",
    ToolRow: "tool",
    CalibrationRow: "calibration",
    SampleRow: "sample",
    SampleStandRow: "sample_stand",
    CorrectionRow: "correction",
    PersonRow: "person",
    QualificationRow: "qualification",
    OrderRow: "order",
    JobRow: "job",
    CallRow: "call",
}


class Audited(Struct, frozen=True):
    """A command to be noted in the transaction that records it."""

    author: Author
    change: Change


def author_of(submission: Submission, author: Author | None) -> Author | None:
    """Return who is named in the audit trail, None = no person gave this command."""
    if author is not None or submission.source not in PEOPLE:
        return author
    return Author(actor=submission.actor, terminal=submission.source)


class Observer:
    """Sees the rows that one command changes, before and after; `state` is the gate's."""

    def __init__(self, state: State) -> None:
        """Begin with nothing seen."""
        self._state = state
        self._before: dict[tuple[type[Row], Any], Row | None] = {}

    def see(self, rows: Iterable[Row]) -> None:
        """Remember how rows are that are about to be replaced."""
        for row in rows:
            if type(row) in _KINDS:
                self._before.setdefault((type(row), row.key), self._state.get(type(row), row.key))

    def note(self, author: Author, submission: Submission, answer: Answer) -> Audited:
        """Return what is to be kept; a refusal changed nothing and keeps its codes."""
        command = submission.command
        asked = {name: value for name, value in msgspec.to_builtins(command).items() if name not in {"type", "reason"}}
        old, new = self._differences()
        if isinstance(answer, Refusal):
            asked["refused"] = sorted(answer.codes)
        if author.signed_by:
            asked["signed_by"] = list(author.signed_by)
        named = tuple(dict.fromkeys([*_named(command), *self._touched()]))
        change = Change(
            action=type(command).__name__,
            object=_object(command, named),
            old=old or None,
            new={**asked, **new},
            reason=getattr(command, "reason", ""),
            named=named,
        )
        return Audited(author, change)

    def _differences(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the fields that differ, by row, of the first rows; how many more there are is said."""
        old: dict[str, Any] = {}
        new: dict[str, Any] = {}
        for (kind, key), before in list(self._before.items())[:_SHOWN_MAX]:
            after = self._state.get(kind, key)
            was, now = (msgspec.to_builtins(row) if row is not None else {} for row in (before, after))
            changed = [field for field in now if was.get(field) != now[field] or before is None]
            name = f"{_KINDS[kind]} {self._code(after, key)}"
            new[name] = {field: now[field] for field in changed}
            if before is not None:
                old[name] = {field: was[field] for field in changed}
        if len(self._before) > _SHOWN_MAX:
            new["further_rows"] = len(self._before) - _SHOWN_MAX
        return old, new

    def _touched(self) -> list[str]:
        """Return the codes of the units and lots whose rows changed, and of those that a changed hold is about."""
        rows = [self._state.get(kind, key) for kind, key in self._before]
        codes = [self._code(row, "") for row in rows if isinstance(row, UnitRow | LotRow)]
        for hold in (row for row in rows if isinstance(row, HoldRow)):
            codes.extend(self._subject(hold.subject, number) for number in hold.subjects)
        return [code for code in codes if code]

    def _subject(self, subject: HoldSubject, number: int) -> str:
        if subject is HoldSubject.UNIT:
            return self._state.code_of(number)
        lot = self._state.get(LotRow, number)
        return "" if lot is None else lot.code

    def _code(self, row: Row | None, key: Any) -> str:
        if isinstance(row, UnitRow):
            return self._state.code_of(row.id)
        if isinstance(row, LotRow):
            return row.code
        return " ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _named(command: Command) -> list[str]:
    names: list[str] = []
    for field in _NAMES:
        value = getattr(command, field, ())
        if isinstance(value, str | tuple):
            names.extend([value] if isinstance(value, str) else value)
    return [name for name in names if name]


def _object(command: Command, named: tuple[str, ...]) -> str:
    """Return what a command is about in a few words: the hold, or the first of what it names and how many more."""
    hold = getattr(command, "hold", 0)
    if hold:
        return f"hold {hold}"
    first = _named(command)
    if not first:
        return named[0] if named else ""
    several = getattr(command, "units", ()) or getattr(command, "codes", ())
    return first[0] if len(several) < 2 else f"{first[0]} + {len(several) - 1}"
