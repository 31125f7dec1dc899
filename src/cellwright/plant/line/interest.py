"""Which facts concern a line, and what has to be read again because of them."""

from collections.abc import Iterator
from enum import StrEnum
from itertools import pairwise
from typing import Final

from cellwright.model.plant import Plant
from cellwright.model.routes import Operation
from cellwright.views.line import News


class Part(StrEnum):
    """A part of the snapshot that is read by itself."""

    UNITS = "units"
    JOBS = "jobs"
    WANTS = "wants"
    LOADED = "loaded"
    CALLS = "calls"


_JOBS: Final = frozenset({Part.JOBS, Part.WANTS})
_UNITS: Final = frozenset({Part.UNITS})
_HOLDS: Final = frozenset({Part.UNITS, Part.LOADED})
_ANYWHERE: Final = {
    "JobsDispatched": _JOBS,
    "JobProved": frozenset({Part.JOBS}),
    "JobAmended": _JOBS,
    "JobEnded": _JOBS,
    "CallRaised": frozenset({Part.CALLS}),
    "CallCleared": frozenset({Part.CALLS}),
    "OrderReleased": frozenset({Part.WANTS}),
    "OrderClosed": frozenset({Part.WANTS}),
    "Held": _HOLDS,
    "Released": _HOLDS,
    "Dispositioned": frozenset({Part.UNITS, Part.WANTS}),
    "OperationAborted": frozenset({Part.UNITS, Part.JOBS, Part.WANTS, Part.LOADED}),
    "Assembled": _UNITS,
    "Disassembled": _UNITS,
    "UnitsShipped": _UNITS,
    "UnitsReturned": _UNITS,
    "PackInstalled": _UNITS,
    "PackRemoved": _UNITS,
    "LotReleased": frozenset({Part.LOADED}),
}
"""Facts that concern a line wherever they happened."""
_AT_STATIONS: Final = {
    "OperationStarted": frozenset({Part.UNITS, Part.JOBS, Part.LOADED}),
    "OperationCompleted": frozenset({Part.UNITS, Part.JOBS, Part.WANTS, Part.LOADED}),
    "MaterialLoaded": frozenset({Part.LOADED}),
    "MaterialUnloaded": frozenset({Part.LOADED}),
    "CarrierLoaded": _UNITS,
    "CarrierUnloaded": _UNITS,
    "Refused": frozenset({Part.JOBS}),
}
"""Facts that concern a line when they happened at one of its stations."""
ALL: Final = frozenset(Part)


class Interest:
    """What concerns the dispatched stations of a plant."""

    def __init__(self, plant: Plant) -> None:
        """Find stations, operations and products."""
        self.stations = frozenset(code for code, each in plant.stations.items() if each.dispatched)
        self.operations = frozenset(op for code in self.stations for op in plant.stations[code].operations)
        self.joins = {each.code: each for each in _joins(plant) if each.code in self.operations}
        members = {each.members.product for each in self.joins.values() if each.members is not None}
        drafts = plant.routes.values()
        own = {draft.product for draft in drafts if any(each.code in self.operations for each in draft.operations)}
        self.products = frozenset(members | own)
        self._feeding = frozenset(
            before
            for draft in drafts
            for before, after in pairwise([*(each.code for each in draft.operations), ""])
            if after in self.operations or (not after and draft.product in members)
        )

    def parts_of(self, news: News) -> frozenset[Part]:
        """Return what has to be read again because of a fact, nothing = it does not concern the line."""
        told = news.told
        if news.kind in _ANYWHERE:
            return _ANYWHERE[news.kind]
        if told.station in self.stations:
            return _AT_STATIONS.get(news.kind, frozenset())
        is_feeding = news.kind == "OperationCompleted" and told.operation in self._feeding
        return _UNITS if is_feeding or news.kind in ("CarrierLoaded", "CarrierUnloaded") else frozenset()


def _joins(plant: Plant) -> Iterator[Operation]:
    return (draft.operations[0] for draft in plant.routes.values() if draft.operations[0].members is not None)
