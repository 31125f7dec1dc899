"""Acts that failed: each rests for a while, longer each time, while the others go on."""

from typing import Final

from msgspec import Struct

from cellwright.rules.job_rows import JobRow, JobState
from cellwright.rules.line_view import Act, Order, Resting, order_subject

_FIRST_S: Final = 0.2
_MAX_S: Final = 10.0
_NEVER_S: Final = float("inf")


class _Rest(Struct):
    """Until when an act rests (host time, s), and how often it failed in vain."""

    station: str
    text: str
    count: int
    until_s: float


class Rests:
    """What rests, by the subject of its act."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._rests: dict[str, _Rest] = {}

    def view(self, now_s: float) -> dict[str, Resting]:
        """Return what rests; what is due may be tried again."""
        return {
            subject: Resting(each.station, each.text, each.count, is_due=each.until_s <= now_s)
            for subject, each in self._rests.items()
        }

    def next_s(self) -> float:
        """Return when the next act is due (host time, s)."""
        return min((each.until_s for each in self._rests.values()), default=_NEVER_S)

    def fail(self, subject: str, station: str, text: str, now_s: float) -> int:
        """Note that an act failed; returns how often it did."""
        known = self._rests.get(subject)
        count = 1 if known is None else known.count + 1
        pause_s = min(_FIRST_S * 2.0 ** min(count - 1, 10), _MAX_S)
        self._rests[subject] = _Rest(station, text, count, now_s + pause_s)
        return count

    def succeed(self, act: Act) -> None:
        """Note that an act was done. What a station gave up before waits for its outcome this time."""
        known = self._rests.get(act.subject)
        if known is not None and isinstance(act, Order):
            known.until_s = _NEVER_S
        else:
            self._rests.pop(act.subject, None)

    def ended(self, row: JobRow, now_s: float) -> None:
        """Note how a job ended: a station that gave it up is not asked again at once."""
        subject = order_subject(row.station, row.operation, row.units)
        if row.state is JobState.ENDED:
            self._rests.pop(subject, None)
        elif row.reason.startswith(row.station):
            self.fail(subject, row.station, f"{row.station} gave job {row.job} up; look what lies there", now_s)
        elif subject in self._rests:
            self._rests[subject].until_s = now_s

    def forget_due(self, now_s: float) -> None:
        """Forget what is due and was not tried again: it is wanted no more."""
        self._rests = {subject: each for subject, each in self._rests.items() if each.until_s > now_s}
