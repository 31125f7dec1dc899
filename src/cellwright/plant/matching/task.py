"""What is worked out beside the plant, and what comes of it: values and codes of units stay here, places go and come back."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from cellwright.model.matching import Matching

LENGTH_BYTES: Final = 8

Voltage = Annotated[float, Meta(ge=1e-6, le=0.5)]
Ratio = Annotated[float, Meta(ge=1e-6, le=1.0)]
Age = Annotated[float, Meta(ge=0.0, le=36_500.0)]
Leak = Annotated[float, Meta(ge=0.0, le=100.0)]


class Windows(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Windows and limits of a plan: those in force, or what somebody wants to try."""

    window_ocv_v: Voltage
    window_dcir_ratio: Ratio
    max_age_d: Age
    mix_batches: bool = True
    window_capacity_ratio: Ratio | None = None
    max_k_mv_per_d: Leak | None = None


class Task(Struct, frozen=True, kw_only=True):
    """A stock in columns, the form of a pack, and the windows to plan with, one after another."""

    count: int
    columns: dict[str, bytes]
    batch: bytes
    form: str
    windows: tuple[Windows, ...]


class Outcome(Struct, frozen=True, kw_only=True):
    """A plan: places in the stock (packs, series, parallel), and how good it is."""

    packs: bytes
    packs_count: int
    series_count: int
    parallel_count: int
    bound_count: int
    placed_ratio: float
    bound_ratio: float
    gap_ratio: float
    unusable: bytes
    unusable_capacity_ratio: float | None
    leftover_counts: dict[str, int]
    wall_s: float


def windows_of(rule: Matching) -> Windows:
    """Return the windows that are in force."""
    return Windows(**{name: getattr(rule, name) for name in Windows.__struct_fields__})
