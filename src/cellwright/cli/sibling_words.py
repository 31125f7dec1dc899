"""Causes that siblings share in words, and the command that lists who shares each."""

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from msgspec import structs

from cellwright.cli.times import moment
from cellwright.views.siblings.causes import US_PER_S, Cause, CauseKind

_TEXTS: Final = {
    CauseKind.STRETCH: "[{start}, {end}) {measure}{lane} of {of} {code}{tolerance}",
    CauseKind.LANE: "{of} {code}{lane}",
    CauseKind.LOT: "{of} {code}",
    CauseKind.MACHINE: "{of} at {code}, around {at}",
    CauseKind.CHANNEL: "channel {channel} of {code} ({of}), around {at}",
    CauseKind.TOOL: "tool {tool} of {code} ({of}), fitted {fitted}, around {at}",
    CauseKind.CARRIER: "carrier {carrier} at {code} ({of}), {at}",
    CauseKind.MEMBER: "in {of} {code}{left}",
}


def cause_text(cause: Cause) -> str:
    """Return a cause in words."""
    any_lane = " over its full width" if cause.kind is CauseKind.STRETCH else ""
    words = {
        "lane": f" in lane {cause.lane}" if cause.lane else any_lane,
        "tolerance": f", {cause.tolerance} at either end as tolerance" if cause.tolerance else "",
        "at": moment(cause.at_us) if cause.at_us else "",
        "fitted": moment(cause.fitted_us) if cause.fitted_us else "at the start",
        "left": f" until {moment(cause.left_us)}" if cause.left_us else "",
    }
    return _TEXTS[cause.kind].format(**structs.asdict(cause) | words)


def command_of(cause: Cause) -> str:
    """Return the command that lists who shares a cause."""
    if cause.kind is CauseKind.MEMBER:
        return shlex.join(["cellwright", "trace", cause.code])
    if not cause.at_us:
        words = ["cellwright", "trace", cause.code, "--forward"]
        words += [f"--{name}={value}" for name, value in _section(cause)]
        return shlex.join(words)
    words = ["cellwright", "recall", f"--machine={cause.code}"]
    words += [f"--{name}={_time(value)}" for name, value in (("from", cause.from_us), ("to", cause.to_us))]
    if cause.channel is not None:
        words.append(f"--channel={cause.channel}")
    words += [f"--{name}={value}" for name, value in (("tool", cause.tool), ("carrier", cause.carrier)) if value]
    return shlex.join(words)


def _section(cause: Cause) -> Iterator[tuple[str, int]]:
    named = {"start": cause.start, "end": cause.end, "lane": cause.lane or None}
    yield from ((name, value) for name, value in named.items() if value is not None)


def _time(time_us: int | None) -> str:
    return datetime.fromtimestamp((time_us or 0) // US_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%S")
