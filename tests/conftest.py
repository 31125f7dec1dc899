from pathlib import Path

import pytest
from hypothesis import settings

# No deadline: a loaded machine is not a failing test. The full run repeats the same examples.
settings.register_profile("people", deadline=None)
settings.register_profile("full", deadline=None, derandomize=True, print_blob=True)


def pytest_configure(config: pytest.Config) -> None:
    # The full run works in parallel, a run by hand does not; every worker must draw the same examples.
    settings.load_profile("full" if hasattr(config, "workerinput") else "people")


@pytest.fixture(scope="session")
def checkout() -> Path:
    return Path(__file__).resolve().parent.parent
