"""Gates for tests: one on any database, and senders that number their messages as equipment does."""

import time
from collections.abc import Callable

from cellwright.database.pool import connect
from cellwright.model.answers import Answer
from cellwright.model.commands import CheckIn, CheckOut, Command, Submission
from cellwright.model.plant import Plant
from cellwright.plant.gate import FULL_COUNT, Gate


def make_gate(url: str, plant: Plant, clock: Callable[[], int], *, full_count: int = FULL_COUNT) -> Gate:
    """Return a gate on a database; it opens nothing before it is started.

    With few units to a full batch, each is decided while the one before is committed.
    """
    return Gate(
        lambda: connect(url, name="gate"),
        plant,
        clock,
        monotonic_s=time.monotonic,
        full_count=full_count,
    )


class Sender:
    """One piece of equipment: it counts its messages up and stamps them with a constant time (UTC us)."""

    def __init__(self, source: str, plant: Plant, *, epoch: int, time_us: int) -> None:
        """Begin to count at 1."""
        self.source = source
        self._plant = plant
        self._epoch = epoch
        self._time_us = time_us
        self._seq = 0

    def message(self, command: Command, *, patience_us: int = 0) -> Submission:
        """Return the next message."""
        self._seq += 1
        return Submission(
            source=self.source,
            epoch=self._epoch,
            seq=self._seq,
            time_us=self._time_us,
            actor=self.source,
            command=command,
            patience_us=patience_us,
        )

    def ask(self, *units: str, patience_us: int = 0) -> Submission:
        """Return a check-in of units at this station, with its recipe read back."""
        recipe = self._plant.recipes[self._plant.stations[self.source].operations[0]]
        command = CheckIn(station=self.source, units=units, recipe_digest=recipe.digest)
        return self.message(command, patience_us=patience_us)

    def report(self, command: CheckOut, *, patience_us: int = 0) -> Submission:
        """Return a check-out."""
        return self.message(command, patience_us=patience_us)


async def send(gate: Gate, *submissions: Submission) -> list[Answer]:
    """Submit messages one after another; return their answers."""
    return [await gate.submit(each) for each in submissions]
