"""Rows of corrections: who corrected what and why, and what was believed before."""

from msgspec import Struct


class RecordCorrectionRow(Struct, frozen=True, gc=False):
    """A correction of the record; `subject` is "run" or "part", `corrected_us` the server's time (UTC us)."""

    id: int
    subject: str
    reason: str
    corrected_us: int
    corrected_by: str
    second_person: str

    @property
    def key(self) -> int:
        """Number of the correction."""
        return self.id


class SupersededRun(Struct, frozen=True, gc=False):
    """What was believed of units a..b until a correction, as in `LoadRun`; `correction` had said so, 0 = a report."""

    kind: str
    layer: int
    a: int
    superseded_by: int
    b: int
    lot: int
    start: int
    end: int
    tolerance: int
    station: str
    from_us: int
    to_us: int
    correction: int = 0

    @property
    def key(self) -> tuple[str, int, int, int]:
        """Kind, layer, first unit, and the correction that ended it."""
        return (self.kind, self.layer, self.a, self.superseded_by)


class SupersededPart(Struct, frozen=True, gc=False):
    """What was believed of a part of a lot until a correction, as in `LotPartRow`."""

    child: int
    number: int
    superseded_by: int
    parent: int
    parent_start: int
    parent_end: int
    child_start: int
    child_end: int
    lane: int
    reversed: bool
    tolerance: int
    correction: int = 0

    @property
    def key(self) -> tuple[int, int, int]:
        """Child lot, number, and the correction that ended it."""
        return (self.child, self.number, self.superseded_by)
