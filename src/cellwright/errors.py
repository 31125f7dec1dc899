"""The exception tree.

CellwrightError
+-- ConfigurationError
+-- ConflictError
+-- DatabaseError
|   +-- DatabaseUnavailableError
|   +-- MigrationError
+-- LinkError
+-- TelemetryError
|   +-- DamagedSegmentError
|   +-- TelemetryFullError
+-- UnansweredError

A refusal of the gate is no exception: it is a value (`cellwright.model.answers.Refusal`).
"""

from collections.abc import Sequence


class CellwrightError(Exception):
    """Anything this package refuses to go on with."""


class ConfigurationError(CellwrightError):
    """Settings or plant files are wrong; `problems` names every one."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Keep every problem, so that all are mended in one round."""
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class ConflictError(CellwrightError):
    """Another writer got there first, or the same key came with another payload."""


class DatabaseError(CellwrightError):
    """The database cannot do what was asked."""


class DatabaseUnavailableError(DatabaseError):
    """No usable database server could be reached or started."""


class MigrationError(DatabaseError):
    """The schema cannot be brought to the version this code needs."""


class LinkError(CellwrightError):
    """An outside machine or partner could not be reached, or broke its protocol."""


class TelemetryError(CellwrightError):
    """Samples cannot be kept or read as asked."""


class DamagedSegmentError(TelemetryError):
    """A file of samples is gone or not as it was written; `path` names it."""

    def __init__(self, path: str, text: str) -> None:
        """Keep the path, so that the reader may leave this file out."""
        super().__init__(f"{path}: {text}")
        self.path = path


class TelemetryFullError(TelemetryError):
    """There is no room for more samples; nothing of what was sent was kept, and it may be sent again."""


class UnansweredError(CellwrightError):
    """The gate decided nothing about a message; the same message may be sent again."""
