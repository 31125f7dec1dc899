"""How members of a joining operation are matched: the form they are put together in, and how alike they must be."""

from msgspec import Struct


class Matching(Struct, frozen=True, kw_only=True):
    """Windows that the members of one unit lie in, and what keeps a finished unit out of all."""

    operation: str
    """The operation that joins them."""
    form: str
    """Groups in series and members in parallel, such as 4S20P."""
    window_ocv_v: float
    window_dcir_ratio: float
    max_age_d: float
    mix_batches: bool = True
    window_capacity_ratio: float | None = None
    max_k_mv_per_d: float | None = None
