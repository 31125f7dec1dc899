"""A snapshot of a line, indexed once for a decision: who has room, what is ordered, what goes where."""

from collections.abc import Iterator
from functools import cached_property

from cellwright.model.equipment import Station
from cellwright.model.routes import Members, Operation, OperationKind
from cellwright.rules.job_rows import OVER, JobRow, JobState
from cellwright.rules.line_view import Held, Sign, View

BEFORE_START = frozenset({JobState.DISPATCHED, JobState.PROVED})
_AHEAD_FACTOR = 2
"""So many times what the next stations can hold may wait before them; then nothing more is joined."""


class Sight:
    """Questions to a view, each answered once."""

    def __init__(self, view: View) -> None:
        """Look at a view."""
        self.view = view
        self.plant = view.plant

    @cached_property
    def open_jobs(self) -> list[JobRow]:
        """Jobs that are not over, in the order of their dispatch."""
        return [row for row in self.view.jobs.values() if row.state not in OVER]

    @cached_property
    def taken(self) -> frozenset[int]:
        """Units that some job works on, brings, or keeps as members."""
        return frozenset(unit for row in self.open_jobs for unit in (*row.units, *row.members))

    @cached_property
    def loads(self) -> dict[str, int]:
        """How many units the jobs of each station may put into process there; a handling job counts as one."""
        loads = dict.fromkeys(self.view.signs, 0)
        for row in self.open_jobs:
            loads[row.station] = loads.get(row.station, 0) + (len(row.units) if row.operation and row.units else 1)
        return loads

    @cached_property
    def doing(self) -> dict[str, list[Station]]:
        """The dispatched stations that do each operation."""
        found: dict[str, list[Station]] = {}
        for code in sorted(self.view.signs):
            for operation in self.plant.stations[code].operations:
                found.setdefault(operation, []).append(self.plant.stations[code])
        return found

    def sign(self, station: str) -> Sign:
        """Return what is known of a station; nothing is known of one that takes no jobs."""
        return self.view.signs.get(station, Sign(is_reachable=False))

    def held(self, row: JobRow) -> Held | None:
        """Return a job as its station gives it back."""
        return next((each for each in self.sign(row.station).held if each.job == row.job), None)

    def freest(self, stations: list[Station], *, ahead: int = 0) -> Station | None:
        """Return the station that is heard and has most room for one more unit, None = all are full or not heard."""
        rooms = [
            (each.capacity_count + ahead - self.loads[each.code], each)
            for each in stations
            if self.sign(each.code).is_reachable
        ]
        free = [pair for pair in rooms if pair[0] > 0]
        return max(free, key=lambda pair: pair[0])[1] if free else None

    # --- joining ------------------------------------------------------------------------------------

    @cached_property
    def joins(self) -> dict[str, Operation]:
        """By product: the operation that joins it of members."""
        firsts = {draft.product: draft.operations[0] for draft in self.plant.routes.values()}
        return {
            product: first
            for product, first in firsts.items()
            if first.kind is OperationKind.COMMISSION and first.members is not None and first.code in self.doing
        }

    def wanted(self, operation: str) -> Members | None:
        """Return the members that an operation joins, None = it joins none."""
        return next((each.members for each in self.joins.values() if each.code == operation), None)

    def joiner(self, operation: str) -> Station | None:
        """Return the station that may be ordered to join next: one that is fed by carriers is ordered one ahead."""
        stations = self.doing.get(operation, [])
        fed = [each for each in stations if each.carrier]
        return self.freest(stations) or self.freest(fed, ahead=1)

    def handler(self, joiner: Station) -> Station | None:
        """Return the station that puts members into a joiner's carriers next."""
        return self.freest(self.handlers(joiner))

    def handlers(self, joiner: Station) -> list[Station]:
        """Return the stations that put members into a joiner's carriers; they do no operation of their own."""
        stations = [self.plant.stations[code] for code in sorted(self.view.signs)] if joiner.carrier else []
        return [each for each in stations if not each.operations and each.carrier == joiner.carrier]

    def is_handled(self, station: str) -> bool:
        """Tell whether members are brought to a station in a carrier."""
        return bool(self.plant.stations[station].carrier)

    def is_blocked(self, product: str) -> bool:
        """Tell whether enough units of a product wait behind its joining: one more would only stand in the way."""
        operations = self.plant.routes[self.plant.products[product].route].operations
        following = operations[1].code if len(operations) > 1 else ""
        room = sum(each.capacity_count for each in self.doing.get(following, ()))
        if not room:
            return False
        waiting = sum(1 for each in self.view.waiting if each.operation == following)
        return waiting >= _AHEAD_FACTOR * room

    def joins_due(self) -> Iterator[str]:
        """Yield the joining operations that an order wants, and that have a station with room and members enough."""
        for product in dict.fromkeys(want.product for want in self.view.wants if want.left_count > 0):
            join = self.joins.get(product)
            wanted = None if join is None else join.members
            if join is None or wanted is None or self.is_blocked(product):
                continue
            joiner = self.joiner(join.code)
            if joiner is None or (joiner.carrier and self.handler(joiner) is None):
                continue
            stock = self.view.stock.get(join.code)
            if stock is not None and stock.usable_count >= wanted.count:
                yield join.code
