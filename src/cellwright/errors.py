"""The exception tree.

CellwrightError
+-- ConfigurationError
+-- ConflictError
+-- DatabaseError
|   +-- DatabaseUnavailableError
|   +-- MigrationError
+-- LinkError
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


class UnansweredError(CellwrightError):
    """The gate decided nothing about a message; the same message may be sent again."""
