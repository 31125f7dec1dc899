"""The largest number of groups that a few hundred cells allow, proved by HiGHS; and what that mends in a plan.

A group is valid exactly when a window holds it, and only windows that hold a largest set of cells matter: the `boxes`. So the
question is how many groups y each box gives, and how many cells x of each kind (cells in the same boxes are of one kind) it
takes:

    maximise sum y(b)   with   sum over kinds x(k, b) = size y(b),   sum over boxes x(k, b) <= cells of kind k.

For fixed y this is a transport problem, whose vertices are whole numbers; only the y have to be integers.
"""

from collections.abc import Iterator
from typing import Final

import highspy
import numpy as np
from msgspec import Struct

from cellwright.analysis.matching.grid import Ints
from cellwright.analysis.matching.windows import SLACK_RATIO, Flags, Floats

_BOXES_MAX: Final = 1500
_LINKS_MAX: Final = 6_000
"""A larger question is not asked: the answer could take minutes."""
_NODES_MAX: Final = 100
"""Branches that HiGHS may look at; a limit by time would give another plan on another day."""

_POOL_MAX: Final = 360


class _Silent(highspy.Highs):
    """A solver that says nothing: HiGHS greets on standard output, where an answer in JSON may be expected."""

    def enableCallbacks(self) -> None:  # noqa: N802 - the name is that of HiGHS
        """Be silent before the first thing that greets."""
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()  # type: ignore[no-untyped-call]


class _Question(Struct, frozen=True, eq=False):
    """Which kinds of cells lie in which boxes."""

    inside: Flags
    """(boxes, kinds)."""
    kind_of: Ints
    """Kind of each cell."""
    counts: Ints
    """Cells of each kind."""
    size: int


def exact_groups(points: Floats, *, axes: int, size: int) -> Ints | None:
    """Return a largest set of disjoint groups (n, size) that fit into windows of width 1; None = too much to ask."""
    question = _ask(points, axes, size)
    if question is None:
        return None
    if not len(question.inside):
        return np.empty((0, size), np.int64)
    taken = _solve(question)
    return None if taken is None else _deal(question, taken)


def repair(points: Floats, groups: Ints, countable: Flags, *, axes: int, tries: int) -> Ints:
    """Return groups with those added that an exact answer finds among what is over and the groups around it."""
    size = groups.shape[1]
    for attempt in range(tries):
        free = countable.copy()
        free[groups] = False
        rest = np.flatnonzero(free)
        if not size <= len(rest) <= _POOL_MAX or len(groups) == int(countable.sum()) // size:
            break
        opened = _around(points, groups, rest, attempt / tries)
        pool = np.concatenate((rest, groups[opened].ravel()))
        better = exact_groups(points[pool], axes=axes, size=size)
        if better is not None and len(better) > len(opened):
            groups = np.concatenate((np.delete(groups, opened, axis=0), pool[better]))
    return groups


def _around(points: Floats, groups: Ints, rest: Ints, done_ratio: float) -> Ints:
    """Return the groups to open: first none, then those nearest to one after another of the cells that are over."""
    room = (_POOL_MAX - len(rest)) // groups.shape[1]
    if not done_ratio or room < 1 or not len(groups):
        return np.empty(0, np.int64)
    seed = points[rest[int(done_ratio * len(rest))]]
    far = np.abs(points[groups].mean(axis=1) - seed).max(axis=1)
    return np.argsort(far, kind="stable")[:room].astype(np.int64)


def _ask(points: Floats, axes: int, size: int) -> _Question | None:
    boxes: set[tuple[int, ...]] = set()
    for members in _boxes(points, np.arange(len(points)), axes, size):
        boxes.add(tuple(np.sort(members).tolist()))
        if len(boxes) > _BOXES_MAX:
            return None
    inside = np.zeros((len(boxes), len(points)), np.bool_)
    for number, box in enumerate(sorted(boxes)):
        inside[number, list(box)] = True
    inside = inside[_largest(inside)]
    kinds, kind_of, counts = np.unique(inside, axis=1, return_inverse=True, return_counts=True)
    if int(kinds.sum()) > _LINKS_MAX:
        return None
    return _Question(kinds, kind_of.ravel().astype(np.int64), counts.astype(np.int64), size)


def _boxes(points: Floats, members: Ints, axes: int, size: int) -> Iterator[Ints]:
    """Yield the cells of each window that cannot be moved to hold more, axis by axis."""
    if axes == 0:
        yield members
        return
    values = points[members, axes - 1]
    order = np.argsort(values, kind="stable")
    ends = np.searchsorted(values[order], values[order] + 1 + SLACK_RATIO, side="right")
    before = np.concatenate((np.zeros(1, np.int64), ends[:-1]))
    for start in np.flatnonzero((ends > before) & (ends - np.arange(len(ends)) >= size)):
        yield from _boxes(points, members[order[start : ends[start]]], axes - 1, size)


def _largest(inside: Flags) -> Flags:
    """Tell which boxes are inside no other."""
    small = inside.astype(np.float32)
    shared = small @ small.T
    counts = small.sum(axis=1)
    within = shared == counts[:, None]
    np.fill_diagonal(within, val=False)
    kept: Flags = ~within.any(axis=1)
    return kept


def _solve(question: _Question) -> Ints | None:
    """Return how many cells of each kind each box takes, (boxes, kinds); None = nothing within the limit."""
    box_of, kind_of = np.nonzero(question.inside)
    boxes = len(question.inside)
    found = _optimum(_model(question, box_of, kind_of, made=None))
    if found is None:
        return None
    # With the groups fixed, a vertex is whole.
    filled = _optimum(_model(question, box_of, kind_of, made=np.rint(found[:boxes])))
    if filled is None:
        return None
    taken = np.zeros(question.inside.shape, np.int64)
    taken[box_of, kind_of] = np.rint(filled[boxes:]).astype(np.int64)
    return taken


def _model(question: _Question, box_of: Ints, kind_of: Ints, *, made: Floats | None) -> highspy.HighsLp:
    """Return the program: columns y of the boxes, then x of the links; with `made` the y are fixed to it."""
    boxes, links, kinds = len(question.inside), len(box_of), len(question.counts)
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = boxes + links, boxes + kinds
    model.sense_ = highspy.ObjSense.kMaximize
    model.col_cost_ = np.concatenate((np.ones(boxes), np.zeros(links)))
    most = question.inside @ question.counts // question.size
    model.col_lower_ = np.concatenate((np.zeros(boxes) if made is None else made, np.zeros(links)))
    model.col_upper_ = np.concatenate((most if made is None else made, question.counts[kind_of])).astype(float)
    model.row_lower_ = np.zeros(boxes + kinds)
    model.row_upper_ = np.concatenate((np.zeros(boxes), question.counts)).astype(float)
    # A box's column is in its own row; a link's in that of its box and that of its kind.
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = np.concatenate((np.arange(boxes), boxes + 2 * np.arange(links + 1))).astype(np.int32)
    rows = np.stack((box_of, boxes + kind_of), axis=1).ravel()
    model.a_matrix_.index_ = np.concatenate((np.arange(boxes), rows)).astype(np.int32)
    model.a_matrix_.value_ = np.concatenate((np.full(boxes, -float(question.size)), np.ones(2 * links)))
    if made is None:
        whole = [highspy.HighsVarType.kInteger] * boxes
        model.integrality_ = [*whole, *[highspy.HighsVarType.kContinuous] * links]
    return model


def _optimum(model: highspy.HighsLp) -> Floats | None:
    solver = _Silent()  # type: ignore[no-untyped-call]
    options: dict[str, bool | float | str] = {
        "threads": 1,
        "mip_max_nodes": _NODES_MAX,
        "mip_abs_gap": 0.99,
        "solver": "simplex",
    }
    for option, value in options.items():
        solver.setOptionValue(option, value)
    solver.passModel(model)
    solver.run()
    if solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    return np.array(solver.getSolution().col_value)


def _deal(question: _Question, taken: Ints) -> Ints:
    """Return the groups: the cells of each kind dealt to the boxes, as many as each takes, in their order."""
    waiting = [list(np.flatnonzero(question.kind_of == kind)) for kind in range(len(question.counts))]
    groups = []
    for row in taken:
        cells = [waiting[kind].pop(0) for kind in np.flatnonzero(row) for _ in range(row[kind])]
        groups += [sorted(cells[start : start + question.size]) for start in range(0, len(cells), question.size)]
    return np.array(groups, dtype=np.int64).reshape(-1, question.size)
