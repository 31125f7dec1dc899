"""Who shares what with one bad unit: against what the story says, and against the recall that each cause leads to."""

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from cellwright.database.pool import connect
from cellwright.model.ids import UnitKind
from cellwright.plant.recall_questions import AskedLot, AskedRecall, AskedStation, QuestionError, find_question
from cellwright.plant.recalls import plan_recall
from cellwright.testing.database import Databases
from cellwright.testing.deep_plant import Story, tell_story
from cellwright.testing.many_lots import ManyLots, tell_many_lots
from cellwright.testing.replay import through_gate
from cellwright.views.machines import Window, made_at
from cellwright.views.people import catch_up
from cellwright.views.siblings.causes import Cause, CauseKind
from cellwright.views.siblings.reading import SiblingGroup, Siblings, read_siblings
from cellwright.views.siblings.steps import Around
from cellwright.views.subjects import find_code


@pytest.fixture(scope="module")
def told() -> ManyLots:
    return tell_many_lots()


async def ask(connection: asyncpg.Connection, code: str, **around: int) -> Siblings:
    found = await find_code(connection, code)
    return await read_siblings(connection, found.number, Around(**around), limit=1000)


def causes_of(answer: Siblings, kind: CauseKind) -> list[tuple[Cause, SiblingGroup]]:
    return [(cause, group) for group in answer.groups for cause in group.causes if cause.kind is kind]
