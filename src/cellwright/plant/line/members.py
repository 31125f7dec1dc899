"""Members for a line's joins: what is in stock, what is known of it, and which of it goes together."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from cellwright.database.pool import Connection
from cellwright.model.job_commands import MatchEvidence
from cellwright.model.matching import Matching
from cellwright.model.plant import Plant
from cellwright.model.routes import Members as Wanted
from cellwright.model.routes import Operation
from cellwright.plant.matching.measured import (
    DAY_PART,
    DAY_US,
    HOURS_PER_DAY,
    LEAK,
    NEEDED,
    measures_of,
    rule_name,
)
from cellwright.rules.line_view import Proposal, Stock
from cellwright.rules.state import UnitRow, UnitStatus
from cellwright.views.line import News, read_results
from cellwright.views.people import catch_up

if TYPE_CHECKING:
    from cellwright.analysis.matching import Stock as Measured

_REQUIRED: Final = frozenset(NEEDED)
_ON_THE_WAY: Final = (UnitStatus.WAITING, UnitStatus.RUNNING)


class Pool:
    """Finished units that one joining operation may take, and those on their way to it."""

    def __init__(self, operation: Operation, wanted: Wanted, rule: Matching | None) -> None:
        """Begin empty."""
        self.operation = operation
        self.wanted = wanted
        self.rule = rule
        self.finished: dict[int, int] = {}
        """Unit -> when it was finished (UTC us)."""
        self.coming: set[int] = set()
        self.guessed_count = 0
        """Units that were in process when the line was first looked at; they are known one by one as they come."""
        self.plan: list[tuple[int, ...]] = []
        self.evidence: MatchEvidence | None = None
        self.is_exhausted = False
        """Whether nothing goes together until the stock changes."""

    def put(self, row: UnitRow) -> None:
        """Take the newest version of a unit."""
        is_new = row.id not in self.finished and row.id not in self.coming
        self.guessed_count -= bool(is_new and self.guessed_count)
        is_coming = row.status in _ON_THE_WAY and not row.holds
        (self.coming.add if is_coming else self.coming.discard)(row.id)
        grade_fits = not self.wanted.grade or row.grade == self.wanted.grade
        if row.status is UnitStatus.FINISHED and grade_fits and not row.holds:
            self.is_exhausted = self.is_exhausted and row.id in self.finished
            self.finished[row.id] = max(row.completed_us, default=0)
        else:
            self.finished.pop(row.id, None)

    def oldest(self, taken: Collection[int]) -> tuple[int, ...]:
        """Return as many members as are joined, those first that were finished first; fewer = there are no more."""
        free = sorted((time_us, unit) for unit, time_us in self.finished.items() if unit not in taken)
        return tuple(unit for _, unit in free[: self.wanted.count])


class Members:
    """The stock of each joining operation of a line."""

    def __init__(self, plant: Plant, joins: Mapping[str, Operation]) -> None:
        """Begin with nothing in stock."""
        self._kinds = {code: each.kind for code, each in plant.products.items()}
        self._values: dict[int, dict[str, float]] = {}
        self._asked: set[int] = set()
        """Units whose earlier measurements were looked for."""
        self._pools = {
            code: Pool(each, each.members, plant.matching.get(code))
            for code, each in joins.items()
            if each.members is not None
        }
        matched = {pool.wanted.product for pool in self._pools.values() if pool.rule is not None}
        self._measures = measures_of(plant, matched)

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
        self._asked.clear()
        for code, pool in list(self._pools.items()):
            self._pools[code] = Pool(pool.operation, pool.wanted, pool.rule)

    def put(self, row: UnitRow) -> None:
        """Take the newest version of a unit."""
        for pool in self._pools.values():
            if pool.wanted.product == row.product:
                pool.put(row)
        if row.status in (UnitStatus.ASSEMBLED, UnitStatus.SCRAPPED):
            self._values.pop(row.id, None)
            self._asked.discard(row.id)

    def takes(self, product: str) -> bool:
        """Tell whether some operation of the line joins units of a product."""
        return any(pool.wanted.product == product for pool in self._pools.values())

    def guess(self, running: Mapping[str, int]) -> None:
        """Take how many units of each kind were in process at the first look."""
        for pool in self._pools.values():
            pool.guessed_count = running.get(self._kinds[pool.wanted.product], 0)

    def hear(self, news: News) -> None:
        """Take note of what was begun and measured, wherever."""
        told = news.told
        if news.kind == "UnitsCommissioned":
            for pool in self._pools.values():
                if pool.wanted.product == told.product:
                    pool.coming.update(range(told.id_from, told.id_from + told.count))
        elif news.kind == "OperationCompleted" and told.operation in self._measures.operations:
            self._note(told.units, {each.characteristic: each.values for each in told.results})

    async def learn(self, connection: Connection, operation: str) -> None:
        """Read what was measured before the line was looked at: of members in stock that nothing is known of, once."""
        pool = self._pools[operation]
        unknown = [] if pool.rule is None else [unit for unit in pool.finished if not self._is_measured(unit)]
        new = [unit for unit in unknown if unit not in self._asked]
        if new and self._measures.operations:
            self._asked.update(new)
            await catch_up(connection)
            for page, results in await read_results(connection, new, self._measures.operations):
                self._note(page, {each.characteristic: each.values for each in results})
            pool.is_exhausted = False

    def _is_measured(self, unit: int) -> bool:
        return self._values.get(unit, {}).keys() >= _REQUIRED

    def _note(self, units: Sequence[int], columns: Mapping[str, Sequence[float | None]]) -> None:
        self._measures.note(lambda unit: self._values.setdefault(unit, {}), units, columns)

    def stock(self, taken: Collection[int]) -> dict[str, Stock]:
        """Return by joining operation what is usable and not taken by a job, and what is on its way."""
        return {
            code: Stock(
                usable_count=len(pool.finished) - sum(1 for unit in taken if unit in pool.finished),
                coming_count=len(pool.coming) + pool.guessed_count,
            )
            for code, pool in self._pools.items()
        }

    # --- choosing -------------------------------------------------------------------------------

    def propose(
        self, operation: str, taken: Collection[int], now_us: int, code_of: Callable[[int], str]
    ) -> Proposal | None:
        """Return members that go together, None = none do. Takes a while where a large stock is matched."""
        pool = self._pools[operation]
        if pool.rule is None:
            members = pool.oldest(taken)
            return Proposal(members) if len(members) == pool.wanted.count else None
        while not pool.is_exhausted:
            while pool.plan:
                members = pool.plan[0]
                if all(unit in pool.finished and unit not in taken for unit in members):
                    return Proposal(members, pool.evidence)
                pool.plan.pop(0)
            self._match(pool, pool.rule, taken, now_us, code_of)
        return None

    def _match(
        self, pool: Pool, rule: Matching, taken: Collection[int], now_us: int, code_of: Callable[[int], str]
    ) -> None:
        from cellwright.analysis.matching import Policy, match_cells, read_form  # noqa: PLC0415 - it loads a compiler

        stock = self._measured(pool, taken, now_us, code_of)
        policy = Policy(
            window_ocv_v=rule.window_ocv_v,
            window_dcir_ratio=rule.window_dcir_ratio,
            max_age_d=rule.max_age_d,
            mix_batches=rule.mix_batches,
            window_capacity_ratio=rule.window_capacity_ratio,
            max_k_mv_per_d=rule.max_k_mv_per_d,
        )
        if stock.count < pool.wanted.count:
            pool.is_exhausted = True
            return
        plan = match_cells(stock, read_form(rule.form), policy)
        pool.plan = [tuple(unit for group in pack for unit in group) for pack in plan.codes()]
        pool.is_exhausted = not pool.plan
        pool.evidence = MatchEvidence(
            policy=rule_name(rule),
            stock_count=stock.count,
            placed_ratio=plan.placed_ratio,
            bound_ratio=plan.bound_ratio,
            gap_ratio=plan.gap_ratio,
        )

    def _measured(self, pool: Pool, taken: Collection[int], now_us: int, code_of: Callable[[int], str]) -> "Measured":
        """Return what is in stock and fully measured; what is not known of a unit keeps it out."""
        from cellwright.analysis.matching import Stock as Measured  # noqa: PLC0415 - it loads a compiler

        known = [unit for unit in sorted(pool.finished) if unit not in taken and self._is_measured(unit)]
        values = [self._values[unit] for unit in known]
        columns = {name: np.array([each[name] for each in values], dtype=np.float64) for name in NEEDED}
        leaks = [each.get(LEAK, np.inf if pool.rule and pool.rule.max_k_mv_per_d else 0.0) for each in values]
        return Measured(
            cells=np.array(known, dtype=np.int64),
            **columns,
            k_mv_per_d=np.array(leaks, dtype=np.float64) * HOURS_PER_DAY,
            batch=np.array([code_of(unit)[:DAY_PART] for unit in known], dtype=np.str_),
            age_d=np.array([max(0, now_us - pool.finished[unit]) / DAY_US for unit in known], dtype=np.float64),
            held=np.zeros(len(known), np.bool_),
        )
