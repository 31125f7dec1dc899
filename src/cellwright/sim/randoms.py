"""Seeded generators: one per machine and one per thing made, so that order of work changes nothing."""

import zlib

from numpy.random import Generator, default_rng


def generator(seed: int, name: str, number: int = 0) -> Generator:
    """Return the generator of a named machine, or of the `number`-th thing it makes."""
    return default_rng((seed, zlib.crc32(name.encode()), number))


def bounded(random: Generator, spread: float, limit: float) -> float:
    """Return a normal deviation with standard deviation `spread`, cut at plus or minus `limit`."""
    return float(min(limit, max(-limit, random.normal(0.0, spread))))
