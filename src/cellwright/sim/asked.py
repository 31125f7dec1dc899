"""Defects that somebody asks for by name: `python -m cellwright.sim.asked NAME[=RATE]...` prints their rates as JSON."""

import sys
from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Final

import msgspec

from cellwright.sim.catalogue import Defects

USUAL_RATES: Final = {
    "bms_software": 1.0,
    "bolt_loose": 1.0,
    "chamber_bias": 1.0,
    "channel_bias": 1.0,
    "insulation_low": 0.5,
    "modules_swapped": 1.0,
    "wrong_cell": 1.0,
    "wrong_pick": 0.5,
}
"""What a name alone means. A pack with low insulation waits for people, so not every one may have it."""
_EXIT_USAGE: Final = 2


def rates_of(asked: Iterable[str]) -> dict[str, float]:
    """Return the rates of defects given as NAME or NAME=RATE, the last of a name; raises ValueError with a sentence."""
    return dict(_rate_of(each) for each in asked)


def _rate_of(text: str) -> tuple[str, float]:
    name, sign, rate = text.partition("=")
    known = Defects.__struct_fields__
    if name not in known:
        raise ValueError(f"the virtual plant has no defect {name!r}; take one of {', '.join(sorted(known))}")
    if not sign and name not in USUAL_RATES:
        now = getattr(Defects(), name)
        raise ValueError(f"{name} is on anyway, at {now:g}; say how much you want: {name}={now * 2:g}, or 0 = off")
    return name, _number(name, rate) if sign else USUAL_RATES[name]


def _number(name: str, text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not isfinite(rate) or rate < 0:
        raise ValueError(f"the rate of {name} is {text!r}; give a number from 0 (off) on, as {name}=0.5")
    return rate


def main(arguments: Sequence[str]) -> int:
    """Print the rates of the defects that are asked for, or what is wrong with them; return the exit code."""
    try:
        rates = rates_of(arguments)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return _EXIT_USAGE
    sys.stdout.write(msgspec.json.encode(rates).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
