"""Which channel is which signal. A name that changes its resolution gets another channel and is read under all."""

from collections.abc import Sequence

from cellwright.database.pool import Connection, Pool, borrow
from cellwright.errors import ConflictError, TelemetryError
from cellwright.model.samples import Signal


class Signals:
    """The signals of a store, as far as they were asked for; their rows never change."""

    def __init__(self, pool: Pool) -> None:
        """Know nothing yet."""
        self._pool = pool
        self._by_name: dict[str, dict[int, Signal]] = {}
        self._channels: set[int] = set()

    async def define(self, signals: Sequence[Signal]) -> tuple[int, ...]:
        """Return the channel of each signal, making those that are new."""
        _check_signals(signals)
        known = self._numbers(signals)
        if None in known:
            async with borrow(self._pool) as connection, connection.transaction():
                # Two who define one name in two units at once must not both succeed.
                await connection.execute("LOCK TABLE signal IN SHARE ROW EXCLUSIVE MODE")
                await self._load(connection, [signal.name for signal in signals])
                self._check_units(signals)
                await _insert(connection, [each for each in dict.fromkeys(signals) if None in self._numbers([each])])
            async with borrow(self._pool) as connection:
                await self._load(connection, [signal.name for signal in signals])
        self._check_units(signals)
        return tuple(number for number in self._numbers(signals) if number is not None)

    async def channels(self, names: Sequence[str]) -> list[dict[int, Signal]]:
        """Return the channels of each name, oldest first; TelemetryError for a name that nobody defined."""
        async with borrow(self._pool) as connection:
            # Another process may have given a name another channel meanwhile.
            await self._load(connection, names)
        unknown = [name for name in names if name not in self._by_name]
        if unknown:
            raise TelemetryError(f"no signal is named {', '.join(unknown)}; names are given when signals are defined")
        return [self._by_name[name] for name in names]

    async def unknown(self, channels: Sequence[int]) -> list[int]:
        """Return which channels were never given to a signal."""
        missing = [each for each in channels if each not in self._channels]
        if missing:
            async with borrow(self._pool) as connection:
                records = await connection.fetch("SELECT channel FROM signal WHERE channel = ANY($1::int[])", missing)
            self._channels.update(record["channel"] for record in records)
        return [each for each in missing if each not in self._channels]

    def _numbers(self, signals: Sequence[Signal]) -> list[int | None]:
        return [
            next((number for number, each in self._by_name.get(signal.name, {}).items() if each == signal), None)
            for signal in signals
        ]

    async def _load(self, connection: Connection, names: Sequence[str]) -> None:
        records = await connection.fetch(
            'SELECT channel, name, unit, scale, "offset" FROM signal WHERE name = ANY($1::text[]) ORDER BY channel',
            list(names),
        )
        for record in records:
            number, *parts = record
            self._by_name.setdefault(record["name"], {})[number] = Signal(*parts)
            self._channels.add(number)

    def _check_units(self, signals: Sequence[Signal]) -> None:
        for signal in signals:
            for each in self._by_name.get(signal.name, {}).values():
                if each.unit != signal.unit:
                    raise ConflictError(
                        f"signal {signal.name} is in {each.unit}, not in {signal.unit}; "
                        f"convert it, or give what is in {signal.unit} another name"
                    )


def _check_signals(signals: Sequence[Signal]) -> None:
    for signal in signals:
        if not signal.name or "\0" in signal.name + signal.unit:
            raise ValueError(
                f"a signal is named {signal.name!r} in {signal.unit!r}; expected a name, and no NUL character"
            )
        if not 0 < signal.scale < float("inf") or not abs(signal.offset) < float("inf"):
            raise ValueError(
                f"{signal.name}: scale {signal.scale} and offset {signal.offset}; expected a scale > 0, both finite"
            )
    units: dict[str, str] = {}
    for signal in signals:
        if units.setdefault(signal.name, signal.unit) != signal.unit:
            raise ConflictError(
                f"signal {signal.name} is named in {units[signal.name]} and in {signal.unit}; choose one"
            )


async def _insert(connection: Connection, signals: Sequence[Signal]) -> None:
    await connection.execute(
        """
        INSERT INTO signal (name, unit, scale, "offset")
        SELECT * FROM unnest($1::text[], $2::text[], $3::float8[], $4::float8[])
        """,
        *([getattr(signal, part) for signal in signals] for part in ("name", "unit", "scale", "offset")),
    )
