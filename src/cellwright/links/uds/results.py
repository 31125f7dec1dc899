"""What was read back of a BMS as the results of a station's check-out."""

from contextlib import suppress

from cellwright.links.uds.outcome import Outcome


def results_of(outcome: Outcome) -> dict[str, float]:
    """Return the numbers that were read back, by name, and `duration_s`; what was not read is left out, not zero."""
    results = {"duration_s": outcome.duration_ms / 1000}
    for each in outcome.checks:
        if each.unit:
            with suppress(ValueError):
                results[each.name] = float(each.found)
    return results
