"""What any store of samples must do, and a store in memory that does it in the plainest way: the oracle of the others."""

from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Final

import numpy as np
from msgspec import structs

from cellwright.errors import ConflictError, TelemetryError
from cellwright.model.samples import (
    BatchKey,
    Curve,
    CurveHead,
    CurvePage,
    CurvePoints,
    LastValue,
    Resolution,
    SampleBlock,
    Signal,
    State,
    Trend,
    Written,
    is_known,
)
from cellwright.telemetry.contract import BatchTests, TelemetryStore
from cellwright.telemetry.encoding import block_digest, page_digest
from cellwright.telemetry.thinning import kept_points, weights
from cellwright.telemetry.wellformed import check_block, check_page

START_US: Final = 1_790_000_000_000_000
SIGNALS: Final = (
    Signal("oven.temperature", "C", 0.1, -40.0),
    Signal("oven.pressure", "Pa", 100.0),
    Signal("press.force", "N", 0.25),
    Signal("never.written", "V", 1e-4),
)
_MICRO: Final = 1_000_000


class MemoryStore:
    """A TelemetryStore of lists; nothing is durable, everything is plain to see."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._signals: list[Signal] = []
        self._samples: list[tuple[int, int, int, int]] = []
        self._curves: list[Curve] = []
        self._curve_batches: list[int] = []
        self._batches: dict[BatchKey, tuple[bytes, Written]] = {}

    async def define(self, signals: Sequence[Signal]) -> tuple[int, ...]:
        """Return a number for each signal."""
        for signal in signals:
            if any(each.name == signal.name and each.unit != signal.unit for each in self._signals):
                raise ConflictError(f"{signal.name} has another unit")
            if signal not in self._signals:
                self._signals.append(signal)
        return tuple(self._signals.index(signal) + 1 for signal in signals)

    async def write(self, block: SampleBlock) -> Written:
        """Keep a block once."""
        check_block(block)
        if int(block.channels.max()) > len(self._signals):
            raise ValueError("a channel without a signal")
        known = self._known(block.key, block_digest(block))
        if known is None:
            columns = (block.channels, block.times_us, block.counts, block.states)
            self._samples += zip(*(each.tolist() for each in columns), strict=True)
            known = self._keep(block.key, block_digest(block), block.channels.size)
        return known

    async def write_curves(self, page: CurvePage) -> Written:
        """Keep curves once."""
        check_page(page)
        known = self._known(page.key, page_digest(page))
        if known is None:
            starts = [0, *page.ends.tolist()[:-1]]
            for head, start, end in zip(page.heads, starts, page.ends.tolist(), strict=True):
                self._curves.append(Curve(head, _rounded(page.points, start, end, page.resolution)))
            known = self._keep(page.key, page_digest(page), page.points.times_us.size)
            self._curve_batches += [known.batch] * len(page.heads)
        return known

    async def last(self, signals: Sequence[str]) -> list[LastValue | None]:
        """Return the newest of each; of those at one time the last accepted."""
        trends = await self.read(signals, 0, 1 << 58)
        return [_last_of(each) if each.count else None for each in trends]

    async def read(
        self, signals: Sequence[str], from_us: int, to_us: int, *, max_points: int | None = None
    ) -> list[Trend]:
        """Return each over [from, to)."""
        if max_points is not None and max_points < 5:
            raise ValueError("too few points")
        return [self._trend(name, from_us, to_us, max_points) for name in signals]

    async def curve(self, unit: int, operation: str, *, attempt: int | None = None) -> Curve | None:
        """Return the newest attempt as it was written last."""
        found = [each for each in self._curves if (each.head.unit, each.head.operation) == (unit, operation)]
        found = [each for each in found if attempt in (None, each.head.attempt)]
        newest = max((each.head.attempt for each in found), default=0)
        return next((each for each in reversed(found) if each.head.attempt == newest), None)

    async def curves(self, tested: BatchTests) -> list[Curve]:
        """Return those that came with a batch."""
        pairs = zip(self._curves, self._curve_batches, strict=True)
        found = [each for each, batch in pairs if (batch, each.head.operation) == (tested.batch, tested.operation)]
        return sorted(
            (each for each in found if each.head.unit in tested.units),
            key=lambda each: (each.head.unit, each.head.attempt),
        )

    def _known(self, key: BatchKey, digest: bytes) -> Written | None:
        kept, written = self._batches.get(key, (digest, None))
        if kept != digest:
            raise ConflictError(f"{key} was kept with another content")
        return written

    def _keep(self, key: BatchKey, digest: bytes, count: int) -> Written:
        written = Written(batch=len(self._batches) + 1, count=count)
        self._batches[key] = (digest, written)
        return written

    def _trend(self, name: str, from_us: int, to_us: int, max_points: int | None) -> Trend:
        numbered = {number: each for number, each in enumerate(self._signals, 1) if each.name == name}
        if not numbered:
            raise TelemetryError(f"no signal {name}")
        chosen = [row for row in self._samples if row[0] in numbered and from_us <= row[1] < to_us]
        chosen.sort(key=lambda row: row[1])
        times = np.array([row[1] for row in chosen], np.int64)
        states = np.array([row[3] for row in chosen], np.uint8)
        one = [numbered[row[0]].values(np.array([row[2]]), np.array([row[3]]))[0] for row in chosen]
        values = np.array(one, np.float64)
        kept = np.arange(times.size)
        if max_points is not None:
            kept = kept_points(times, values, states, max_points=max_points)
        return Trend(
            signal=name,
            unit=next(iter(numbered.values())).unit,
            times_us=times[kept],
            values=values[kept],
            states=states[kept],
            weights=weights(kept, times.size),
            counts={state: int(np.count_nonzero(states == state)) for state in State},
        )


def _rounded(points: CurvePoints, start: int, end: int, resolution: Resolution) -> CurvePoints:
    def rounded(values: np.typing.NDArray[np.float64], micro: int) -> np.typing.NDArray[np.float64]:
        return np.array([round(each * _MICRO / micro) * micro / _MICRO if each == each else each for each in values])  # noqa: PLR0124 NaN

    part = slice(start, end)
    return CurvePoints(
        times_us=points.times_us[part],
        steps=points.steps[part],
        voltages_v=rounded(points.voltages_v[part], resolution.voltage_uv),
        currents_a=rounded(points.currents_a[part], resolution.current_ua),
        temperatures_c=rounded(points.temperatures_c[part], resolution.temperature_mc * 1000),
        states=points.states[part],
    )


def _last_of(trend: Trend) -> LastValue:
    value = float(trend.values[-1])
    state = State(int(trend.states[-1]))
    return LastValue(
        trend.signal, trend.unit, int(trend.times_us[-1]), value if is_known(trend.states[-1:])[0] else None, state
    )


# --- what is written --------------------------------------------------------------------------------


def random_block(key: BatchKey, channels: Sequence[int], random: Random, *, rows: int = 40) -> SampleBlock:
    """Make a block with samples of one time, of several states, out of order, and with the largest counts there are."""
    extremes = (0, -1, (1 << 63) - 1, -(1 << 63))
    counts = [random.choice(extremes) if random.random() < 0.1 else random.randint(-5000, 5000) for _ in range(rows)]
    states = [random.choice(list(State)) if random.random() < 0.3 else State.VALID for _ in range(rows)]
    return SampleBlock(
        key=key,
        channels=np.array(random.choices(channels, k=rows)),
        times_us=np.array([START_US + random.randint(0, 60) * 1000 for _ in range(rows)]),
        counts=np.array(counts, np.int64),
        states=np.array(states, np.uint8),
    )


def random_page(key: BatchKey, random: Random, *, units: int = 12) -> CurvePage:
    """Make curves of a few units, operations and attempts; some were made before, some values are unknown."""
    identities = {
        (random.randint(1, units), random.choice(("formation", "grading")), random.randint(1, 2)) for _ in range(4)
    }
    heads = [
        CurveHead(*each, channel=f"F-{random.randint(1, 9)}", program="cc-cv", version=str(random.randint(1, 3)))
        for each in random.sample(sorted(identities), len(identities))
    ]
    sizes = [random.randint(1, 9) for _ in heads]
    total = sum(sizes)

    def values(top: float) -> np.typing.NDArray[np.float64]:
        return np.array([np.nan if random.random() < 0.1 else random.uniform(-top, top) for _ in range(total)])

    return CurvePage(
        key=key,
        heads=tuple(heads),
        ends=np.cumsum(sizes),
        points=CurvePoints(
            times_us=START_US + np.arange(total) * 1_000_000,
            steps=np.array([random.randint(1, 4) for _ in range(total)]),
            voltages_v=values(5.0),
            currents_a=values(300.0),
            temperatures_c=values(60.0),
            states=np.array([random.choice(list(State)) for _ in range(total)]),
        ),
        resolution=random.choice((Resolution(), Resolution(voltage_uv=10, current_ua=100, temperature_mc=10))),
    )


# --- comparing --------------------------------------------------------------------------------------


def same_trend(one: Trend, other: Trend) -> bool:
    """Tell whether two trends say the same, bit by bit."""
    arrays = ("times_us", "values", "states", "weights")
    equal = all(np.array_equal(getattr(one, each), getattr(other, each), equal_nan=True) for each in arrays)
    return equal and (one.signal, one.unit, one.counts, one.lost) == (
        other.signal,
        other.unit,
        other.counts,
        other.lost,
    )


def same_curve(one: Curve | None, other: Curve | None) -> bool:
    """Tell whether two curves say the same, bit by bit."""
    if one is None or other is None:
        return one is other
    names = CurvePoints.__struct_fields__
    parts = [(getattr(one.points, each), getattr(other.points, each)) for each in names]
    return one.head == other.head and all(np.array_equal(*each, equal_nan=each[0].dtype.kind == "f") for each in parts)


async def expect_same(store: TelemetryStore, oracle: TelemetryStore, *, units: Sequence[int] = range(14)) -> None:
    """Ask both everything that can be asked; raises AssertionError where they differ."""
    names = [signal.name for signal in SIGNALS]
    assert await store.last(names) == await oracle.last(names)  # noqa: S101 - this is a test kit
    for from_us, to_us, points in (
        (0, 1 << 58, None),
        (0, 1 << 58, 7),
        (START_US + 7000, START_US + 31_000, None),
        (START_US + 7000, START_US + 31_000, 20),
        (START_US + 31_000, START_US + 7000, None),
    ):
        found = await store.read(names, from_us, to_us, max_points=points)
        known = await oracle.read(names, from_us, to_us, max_points=points)
        for one, other in zip(found, known, strict=True):
            assert same_trend(one, other), (from_us, to_us, points, one, other)  # noqa: S101
    for unit in units:
        for operation in ("formation", "grading", "none"):
            for attempt in (None, 1, 2, 3):
                kept, wanted = [await each.curve(unit, operation, attempt=attempt) for each in (store, oracle)]
                assert same_curve(kept, wanted), (unit, operation, attempt, kept, wanted)  # noqa: S101
    for batch in range(1, 12):
        for operation in ("formation", "grading"):
            tested = BatchTests(batch=batch, operation=operation, units=units)
            of_batch = [await each.curves(tested) for each in (store, oracle)]
            pairs = list(zip(*of_batch, strict=True))
            assert all(same_curve(one, other) for one, other in pairs), (batch, operation)  # noqa: S101


# --- the contract -----------------------------------------------------------------------------------

Contract = Callable[[TelemetryStore, Random], Awaitable[None]]
_KEY: Final = BatchKey("oven-1", 7, 1)


async def is_read_back(store: TelemetryStore, random: Random) -> None:
    """Whatever is written is read back: counts, states, order, samples of one time."""
    oracle = MemoryStore()
    channels = await store.define(SIGNALS)
    await oracle.define(SIGNALS)
    for seq in range(1, 9):
        key = BatchKey(f"oven-{seq % 2}", 7, seq)
        block, page = random_block(key, channels[:3], random), random_page(BatchKey("formation", 1, seq), random)
        places = np.array([channels.index(each) + 1 for each in block.channels.tolist()])
        plain = SampleBlock(key, places, block.times_us, block.counts, block.states)
        assert (await store.write(block)).count == (await oracle.write(plain)).count  # noqa: S101
        await store.write_curves(page)
        await oracle.write_curves(page)
    await expect_same(store, oracle)


async def is_kept_once(store: TelemetryStore, random: Random) -> None:
    """A repeat gets the same answer and changes nothing; another content under its key is a conflict."""
    channels = await store.define(SIGNALS)
    block, page = random_block(_KEY, channels[:3], random), random_page(BatchKey("formation", 1, 1), random)
    answers = [(await store.write(block), await store.write_curves(page)) for _ in range(3)]
    assert len(set(answers)) == 1  # noqa: S101
    counts = [each.count for each in await store.read([signal.name for signal in SIGNALS], 0, 1 << 58)]
    assert sum(counts) == block.channels.size  # noqa: S101
    other = SampleBlock(_KEY, block.channels, block.times_us, block.counts ^ 1, block.states)
    await _refuses(ConflictError, store.write(other))
    await _refuses(ConflictError, store.write(random_block(page.key, channels[:3], random)))
    again = [each.count for each in await store.read([signal.name for signal in SIGNALS], 0, 1 << 58)]
    assert again == counts  # noqa: S101


async def unknown_is_not_zero(store: TelemetryStore, random: Random) -> None:
    """What is invalid or missing is NaN in a trend, None as a last value, and no extreme."""
    del random
    (channel,) = await store.define([Signal("t", "C", 0.1)])
    states = np.array([0, 1, 4, 2, 3, 1], np.uint8)
    times = START_US + np.arange(6) * 10
    await store.write(SampleBlock(_KEY, np.full(6, channel), times, np.array([10, -900, 900, 12, 13, 14]), states))
    (trend,) = await store.read(["t"], 0, 1 << 58)
    assert np.array_equal(trend.values, [1.0, np.nan, np.nan, 1.2, 1.3, np.nan], equal_nan=True)  # noqa: S101
    assert dict(trend.counts) == {State(0): 1, State(1): 2, State(2): 1, State(3): 1, State(4): 1}  # noqa: S101
    (last,) = await store.last(["t"])
    assert last == LastValue("t", "C", int(times[5]), None, State.INVALID)  # noqa: S101


async def names_keep_their_unit(store: TelemetryStore, random: Random) -> None:
    """A signal may change its resolution and is read as one; it may not change its unit."""
    del random
    first, again, finer = await store.define([Signal("v", "V", 0.1), Signal("v", "V", 0.1), Signal("v", "V", 0.01)])
    assert first == again != finer  # noqa: S101
    await store.write(
        SampleBlock(_KEY, np.array([finer, first]), np.array([9, 5]), np.array([123, 12]), np.zeros(2, int))
    )
    (trend,) = await store.read(["v"], 0, 100)
    assert trend.values.tolist() == [1.2, 1.23]  # noqa: S101
    (last,) = await store.last(["v"])
    assert last is not None and last.value == 1.23  # noqa: S101, PT018
    await _refuses(ConflictError, store.define([Signal("v", "mV")]))
    await _refuses(TelemetryError, store.read(["unheard"], 0, 1))
    await _refuses(TelemetryError, store.last(["v", "unheard"]))


async def is_thinned(store: TelemetryStore, random: Random) -> None:
    """Few points stand for many: every extreme, every gap, the ends, and how many samples there were."""
    (channel,) = await store.define([Signal("noise", "V")])
    size = 3000
    counts = np.array([random.randint(-1000, 1000) for _ in range(size)])
    states = np.array([State.MISSING if 900 <= place < 1000 else State.VALID for place in range(size)])
    times = START_US + np.sort([random.randint(0, 10**9) for _ in range(size)])
    await store.write(SampleBlock(_KEY, np.full(size, channel), times, counts, states))
    for max_points in (5, 50, 999, 3000):
        (trend,) = await store.read(["noise"], 0, 1 << 58, max_points=max_points)
        assert trend.times_us.size <= max_points  # noqa: S101
        assert trend.count == size == trend.weights.sum()  # noqa: S101
        assert np.nanmin(trend.values) == counts[states == 0].min()  # noqa: S101
        assert np.nanmax(trend.values) == counts[states == 0].max()  # noqa: S101
        assert np.isnan(trend.values).any()  # noqa: S101
        assert (trend.times_us[0], trend.times_us[-1]) == (times[0], times[-1])  # noqa: S101
    await _refuses(ValueError, store.read(["noise"], 0, 1, max_points=4))


async def says_what_is_wrong(store: TelemetryStore, random: Random) -> None:
    """A batch that cannot be kept as it is is refused as a whole, and its key stays free."""
    channels = await store.define(SIGNALS)
    good = random_block(_KEY, channels[:3], random)
    one = np.ones(1, int)
    for bad in (
        SampleBlock(_KEY, good.channels, good.times_us[:-1], good.counts, good.states),
        SampleBlock(_KEY, one[:0], one[:0], one[:0], one[:0]),
        SampleBlock(_KEY, one * 99_999, one, one, one),
        SampleBlock(_KEY, one * channels[0], one * -1, one, one),
        SampleBlock(_KEY, one * channels[0], one, one, one * 5),
        SampleBlock(_KEY, one * channels[0], one, one * 0.5, one),  # type: ignore[arg-type]
        SampleBlock(BatchKey("", 1, 1), one * channels[0], one, one, one),
        SampleBlock(BatchKey("a\0", 1, 1), one * channels[0], one, one, one),
    ):
        await _refuses(ValueError, store.write(bad))
    await store.write(good)
    page = random_page(BatchKey("formation", 1, 1), random)
    head = page.heads[0]
    for heads, ends in (
        ((head, head), page.ends[[0, -1]]),
        (page.heads, page.ends + 1),
        (page.heads[:0], page.ends[:0]),
        ((CurveHead(0, "o", 1, "", "", ""),), page.ends[-1:]),
        ((CurveHead(1, "", 1, "", "", ""),), page.ends[-1:]),
        ((CurveHead(1, "o", 0, "", "", ""),), page.ends[-1:]),
    ):
        await _refuses(ValueError, store.write_curves(CurvePage(page.key, heads, ends, page.points)))
    endless = structs.replace(page.points, voltages_v=np.full(page.points.times_us.size, np.inf))
    await _refuses(ValueError, store.write_curves(CurvePage(page.key, page.heads, page.ends, endless)))
    await store.write_curves(page)


CONTRACT: Final[tuple[Contract, ...]] = (
    is_read_back,
    is_kept_once,
    unknown_is_not_zero,
    names_keep_their_unit,
    is_thinned,
    says_what_is_wrong,
)
"""Every sentence of the contract; each wants a store that nobody wrote to."""


async def _refuses(kind: type[Exception], asked: Awaitable[object]) -> None:
    said = ""
    try:
        await asked
    except kind as error:
        said = str(error)
    assert said, f"expected {kind.__name__}"  # noqa: S101
