"""Commands of correcting the record: what units took, and what lots were made of, otherwise than was reported."""

from cellwright.model.wire import Code, CommandBase, Int64, Text


class CorrectRuns(CommandBase, frozen=True, kw_only=True):
    """Units took other lots, or other stretches, than was recorded; needs a second person's signature.

    Row k: by the record all units from `firsts[k]` to `lasts[k]` took `recorded[k]`; they took `lots[k]`, from
    `starts[k]` on.
    """

    position: Code
    firsts: tuple[Code, ...]
    lasts: tuple[Code, ...]
    recorded: tuple[Code, ...]
    """Lot that the record names, so that nothing is corrected that somebody else corrected meanwhile."""
    lots: tuple[Code, ...]
    """Lot that each row really took; the recorded one where only the stretch was wrong."""
    starts: tuple[Int64, ...]
    """Where on it the first unit began, in its measure."""
    ends: tuple[Int64, ...] = ()
    """Where the last unit ended; no list = as long as recorded."""
    repetition: Int64 = 0
    """0 for the first time that units took something there, n for the n-th time again."""
    reason: Text
    second_person: Code


class CorrectParts(CommandBase, frozen=True, kw_only=True):
    """Parts of lots came from elsewhere than was recorded; needs a second person's signature.

    Row k is part `numbers[k]` of lot `lots[k]`. The other columns are those of Parents; no list = as recorded.
    """

    lots: tuple[Code, ...]
    numbers: tuple[Int64, ...]
    """Which part of each lot, as its trace numbers them: `part N`."""
    parents: tuple[Code, ...] = ()
    """Lot that each part really came from."""
    starts: tuple[Int64, ...] = ()
    ends: tuple[Int64, ...] = ()
    output_starts: tuple[Int64, ...] = ()
    output_ends: tuple[Int64, ...] = ()
    lanes: tuple[Int64, ...] = ()
    reversed: tuple[bool, ...] = ()
    tolerances: tuple[Int64, ...] = ()
    """As in Parents; -1 = nobody knows where on both lots it lay."""
    reason: Text
    second_person: Code
