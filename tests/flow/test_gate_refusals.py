"""Every story of a refusal, told to a real gate: the same answer, one journaled fact, and nothing else changed."""

import time

import pytest

from cellwright.database.pool import Connection, connect
from cellwright.model.answers import Refusal
from cellwright.plant.check import check, effect_digest
from cellwright.plant.gate import Gate
from cellwright.testing.flow import START_US
from cellwright.testing.provocation import Provocation
from cellwright.testing.provocations import PROVOCATIONS
from cellwright.testing.replay import RecordingDriver

TOLD_IN_MEMORY = frozenset({"serial numbers used up"})
"""Stories that set a counter where no command could: the rules' tests tell them."""


async def refused_facts(connection: Connection) -> int:
    """Return how many refusals the journal holds."""
    return int(await connection.fetchval("SELECT count(*) FROM fact WHERE kind = 'Refused'"))


@pytest.mark.parametrize("story", PROVOCATIONS, ids=lambda story: f"{story.code}: {story.name}")
async def test_a_refusal_is_journaled_and_changes_nothing(story: Provocation, database_url: str) -> None:
    driver = RecordingDriver()
    before_plant = driver.plant
    story.run(driver)
    if story.name in TOLD_IN_MEMORY or driver.plant is not before_plant:
        pytest.skip("told in memory: no command brings this about")
    now = [START_US]
    connection = await connect(database_url)
    *earlier, last = driver.submissions
    gate = Gate(lambda: connect(database_url), driver.plant, lambda: now[0], monotonic_s=time.monotonic)
    async with gate:
        for now_us, submission, expected in earlier:
            now[0] = now_us
            assert await gate.submit(submission) == expected
        views, refused = (await effect_digest(connection)).views, await refused_facts(connection)
        now[0] = last[0]
        answer = await gate.submit(last[1])
    assert answer == last[2]
    assert isinstance(answer, Refusal)
    assert story.code in answer.codes
    assert (await effect_digest(connection)).views == views
    assert await refused_facts(connection) == refused + 1
    assert (await check(connection, driver.plant)).equal
    await connection.close()
