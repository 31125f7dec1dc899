"""How loops over cells are compiled: once for a machine, kept beside the source or in the user's cache."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile a function of numbers and arrays; what it does is the same as without."""
    try:
        return cast("F", njit(cache=True, nogil=True)(function))
    except RuntimeError:
        # No folder for the cache may be written, neither beside the source nor the user's.
        return cast("F", njit(nogil=True)(function))
