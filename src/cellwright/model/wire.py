"""What commands and facts are made of: words of limited length, whole numbers, and their two bases."""

from typing import Annotated

from msgspec import Meta, Struct

Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""A whole number that every store and protocol can carry."""

Code = Annotated[str, Meta(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""A code or name as printed or configured: at most 128 characters, no control characters."""

Text = Annotated[str, Meta(max_length=2000)]
"""What a person writes, at most 2,000 characters."""

Patience = Annotated[int, Meta(ge=0, le=3_600_000_000)]
"""Microseconds of host time, at most an hour."""


class CommandBase(Struct, frozen=True, kw_only=True, tag=True, forbid_unknown_fields=True):
    """Base of all commands."""


class FactBase(Struct, frozen=True, kw_only=True, tag=True):
    """Base of all facts."""
