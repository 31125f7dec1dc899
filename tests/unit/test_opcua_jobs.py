"""Reading back: half a list is never taken for a whole one."""

import asyncio
from collections.abc import Sequence

import pytest

from cellwright.links.contract import LinkError
from cellwright.links.opcua.contract import JOB_COLUMN_NODES
from cellwright.links.opcua.jobs import HeldJob, HeldState, JobControl, ReturnStatus, StationJob, columns_of
from cellwright.links.opcua.values import Problem, Value

OLD = HeldJob(StationJob("J1", "eol", ("U1",), ()), HeldState.ALLOWED_TO_START)
NEW = HeldJob(StationJob("J2", "eol", ("U2",), ()), HeldState.ALLOWED_TO_START)


class ScriptedDoor:
    """Shows one reading after another: revision before, what the columns hold, revision after."""

    def __init__(self, *readings: tuple[int, dict[str, Value], int]) -> None:
        self.turn = asyncio.Lock()
        self.read_count = 0
        self.called: list[str] = []
        self._readings = readings

    async def read(self) -> list[Value | Problem]:
        before, columns, after = self._readings[min(self.read_count, len(self._readings) - 1)]
        self.read_count += 1
        return [before, *(columns[spec.path] for spec in JOB_COLUMN_NODES), after]

    async def call(self, path: str, arguments: Sequence[Value]) -> ReturnStatus:
        del arguments
        self.called.append(path)
        return ReturnStatus.NO_ERROR


HALF = {**columns_of([OLD]), "Jobs/Ids": ("J2",)}
"""The id of the new job with the content of the old one: it fits together, and never was."""


@pytest.mark.parametrize("torn", [(7, HALF, 0), (0, HALF, 8), (7, HALF, 8), (0, HALF, 0)])
async def test_a_list_that_changed_while_it_was_read_is_read_again(torn: tuple[int, dict[str, Value], int]) -> None:
    door = ScriptedDoor(torn, torn, (8, columns_of([NEW]), 8))
    assert await JobControl(lambda _: door).held("S-1") == (NEW,)
    assert door.read_count == 3


async def test_nothing_is_sent_to_a_station_that_could_not_be_read() -> None:
    door = ScriptedDoor((0, HALF, 0))
    with pytest.raises(LinkError, match="S-1: Jobs/Revision does not come to rest"):
        await JobControl(lambda _: door).store_and_start("S-1", NEW.job)
    assert door.called == []


@pytest.mark.parametrize("state", HeldState)
async def test_what_the_station_has_is_not_sent_whatever_became_of_it(state: HeldState) -> None:
    door = ScriptedDoor((1, columns_of([HeldJob(NEW.job, state)]), 1))
    assert await JobControl(lambda _: door).store_and_start("S-1", NEW.job) == ReturnStatus.NO_ERROR
    assert door.called == []


def test_a_status_says_each_of_its_bits() -> None:
    text = (ReturnStatus.UNABLE_TO_ACCEPT | ReturnStatus.LIST_FULL).text
    assert text == "The job order is not taken. The list is full; clear what is Ended or Aborted, then send again."
    assert not ReturnStatus.UNABLE_TO_ACCEPT.is_done
