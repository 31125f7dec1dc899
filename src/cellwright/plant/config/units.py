"""Units that the names of parameters and characteristics end in."""

UNITS = frozenset(
    {
        *("v", "mv", "kv", "a", "ma", "ah", "mah", "wh", "kwh", "w", "kw", "ohm", "mohm", "uohm", "hz", "khz"),
        *("s", "ms", "us", "min", "h", "c", "k", "m", "mm", "um", "m2", "mm2", "g", "mg", "kg", "gsm", "l", "ml"),
        *("n", "kn", "nm", "pa", "kpa", "mpa", "bar", "mbar", "pamin", "mpas", "rpm", "deg", "j", "kj"),
        *("ppm", "ppb", "ratio", "count", "percent"),
    }
)
"""All units, for the reference page: in lower case, as names are."""


def has_unit(name: str) -> bool:
    """Tell whether a name ends in a unit: width_mm, speed_mm_per_s, vacuum_kpa."""
    *rest, last = name.split("_")
    return bool(rest) and last in UNITS
