"""What may go together: the windows and limits of a pack, as a table of TOML."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from cellwright.errors import ConfigurationError


class Policy(Struct, frozen=True, kw_only=True):
    """Windows of a pack, and what keeps a cell out of all packs."""

    window_ocv_v: float
    """Range of the open-circuit voltage within a pack at most."""
    window_dcir_ratio: float
    """Range of the resistance within a pack, as a share of its smallest one (and at most of the stock's middle)."""
    max_age_d: float
    """Older cells are not matched any more: the exit of those that never fit."""
    mix_batches: bool
    """Whether a pack may hold cells of several batches."""
    window_capacity_ratio: float | None = None
    """Range of the capacity within a pack, as of the resistance; None = free, the sums of parallel groups are balanced."""
    max_k_mv_per_d: float | None = None
    """Self-discharge at most; None = it is not looked at."""


_UPPER: Final[Mapping[str, tuple[float, str]]] = {
    "window_ocv_v": (0.5, "a voltage such as 0.003 for 3 mV; write volts, not millivolts"),
    "window_dcir_ratio": (1.0, "a ratio such as 0.10 for 10 %; write the ratio, not per cent"),
    "window_capacity_ratio": (1.0, "a ratio such as 0.01 for 1 %; write the ratio, not per cent"),
    "max_age_d": (36_500.0, "days such as 30; write days, not hours or seconds"),
    "max_k_mv_per_d": (100.0, "millivolts a day such as 0.5; write mV, not uV"),
}
"""Keys with a number: the largest that makes sense, and what is expected."""

_LOWER: Final = {"window_ocv_v": 1e-6, "window_dcir_ratio": 1e-6, "window_capacity_ratio": 1e-6}
_OPTIONAL: Final = ("window_capacity_ratio", "max_k_mv_per_d")
_KEYS: Final = (*_UPPER, "mix_batches")


def read_policy(table: Mapping[str, Any], place: str) -> Policy:
    """Return the policy that a table holds; raises ConfigurationError with every problem, each naming the place."""
    problems = [f"{place}: {problem}" for problem in _problems(table)]
    if problems:
        raise ConfigurationError(problems)
    numbers = {key: float(value) for key, value in table.items() if key in _UPPER}
    return Policy(**numbers, mix_batches=table["mix_batches"])


def _problems(table: Mapping[str, Any]) -> Iterator[str]:
    for key in table:
        if key not in _KEYS:
            yield f"{key}: no such key; rename or remove it: the keys are {', '.join(_KEYS)}"
    for key in _KEYS:
        if key not in table:
            if key not in _OPTIONAL:
                yield f"{key}: this key is missing; write {_expected(key)}"
        elif not _is_right(key, table[key]):
            yield f"{key}: {table[key]!r} is not right; expected {_expected(key)}"


def _is_right(key: str, value: Any) -> bool:
    if key == "mix_batches":
        return isinstance(value, bool)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return bool(_LOWER.get(key, 0.0) <= value <= _UPPER[key][0])


def _expected(key: str) -> str:
    if key == "mix_batches":
        return "mix_batches = true, or false when a pack may hold cells of one batch only"
    upper, text = _UPPER[key]
    return f"a number from {_LOWER.get(key, 0):g} to {upper:g}: {text}"
