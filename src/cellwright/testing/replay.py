"""What a driver did in memory, done again by a real gate on a real database."""

import time
from typing import Any

from cellwright.database.pool import connect
from cellwright.model.answers import Answer
from cellwright.model.commands import Command, Submission
from cellwright.model.plant import Plant
from cellwright.plant.gate import Gate
from cellwright.testing.flow import START_US, Driver


class RecordingDriver(Driver):
    """A driver that keeps every submission with the plant's time (UTC us) and the answer it got."""

    def __init__(self, plant: Plant | None = None) -> None:
        """Begin as a driver does."""
        self.submissions: list[tuple[int, Submission, Answer]] = []
        super().__init__(plant)

    def submit(self, command: Command, **fields: Any) -> Answer:
        """Decide a command and keep it."""
        answer = super().submit(command, **fields)
        submission = Submission(
            source="test",
            epoch=1,
            seq=len(self.submissions) + 1,
            time_us=fields.get("time_us") or self.now_us,
            actor=fields.get("actor", "tester"),
            command=command,
        )
        self.submissions.append((self.now_us, submission, answer))
        return answer


async def through_gate(url: str, driver: RecordingDriver) -> None:
    """Submit all again, one after another, to a gate on a database; every answer has to be the same."""
    now = [START_US]
    gate = Gate(
        lambda: connect(url, name="gate"),
        driver.plant,
        lambda: now[0],
        monotonic_s=time.monotonic,
    )
    async with gate:
        for now_us, submission, expected in driver.submissions:
            now[0] = now_us
            answer = await gate.submit(submission)
            assert answer == expected, (submission, answer)  # noqa: S101 the kit's purpose
