"""One story or more per refusal code: what a plant must do to be refused with it."""

from cellwright.model.answers import RefusalCode
from cellwright.testing import (
    stories_abort,
    stories_correct,
    stories_corrections,
    stories_import,
    stories_jobs,
    stories_line,
    stories_repair,
    stories_samples,
    stories_stock,
    stories_whereabouts,
)

PROVOCATIONS = (
    *stories_line.BOOK.stories,
    *stories_stock.BOOK.stories,
    *stories_abort.BOOK.stories,
    *stories_import.BOOK.stories,
    *stories_repair.BOOK.stories,
    *stories_jobs.BOOK.stories,
    *stories_corrections.BOOK.stories,
    *stories_whereabouts.BOOK.stories,
    *stories_correct.BOOK.stories,
    *stories_samples.BOOK.stories,
)

GATE_ONLY = frozenset({RefusalCode.PAYLOAD_TOO_LARGE, RefusalCode.SEQUENCE_CONFLICT})
"""Codes that the gate gives before a command reaches the rules; it may give PAYLOAD_MALFORMED too."""
