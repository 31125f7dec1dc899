"""Plant times for people: the moment in UTC, and how long ago it was."""

from datetime import UTC, datetime

_US_PER_S = 1_000_000
_PARTS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_OLDEST_US, _NEWEST_US = -62_135_596_800_000_000, 253_402_300_799_999_999
"""What a calendar of four-digit years can show."""


def moment(time_us: int) -> str:
    """Return a time (UTC us) as date and time of day; 0 is never."""
    if not time_us:
        return "never"
    if not _OLDEST_US <= time_us <= _NEWEST_US:
        return f"{time_us} us since 1970"
    return datetime.fromtimestamp(time_us // _US_PER_S, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def duration(length_s: int) -> str:
    """Return a length of time (s) in its two largest units."""
    found: list[str] = []
    left = abs(length_s)
    for name, seconds in _PARTS:
        count, left = divmod(left, seconds)
        if count or found or name == "s":
            found.append(f"{count} {name}")
    return " ".join(found[:2])


def since(time_us: int, now_us: int) -> str:
    """Return a time (UTC us) with its age at `now_us`; a time to come is named as such."""
    if not time_us:
        return "never"
    age_s = (now_us - time_us) // _US_PER_S
    if age_s >= 0:
        return f"{moment(time_us)} ({duration(age_s)} ago)"
    return f"{moment(time_us)} ({duration(age_s)} ahead of this clock: give --clock, or set the clock)"
