"""Stock after a correction: what a lot's record reaches to, and what therefore goes back to it, or is used up."""

from collections.abc import Iterable

from msgspec import Struct

from cellwright.model.answers import Reason, RefusalCode
from cellwright.model.correction_facts import StockCorrection
from cellwright.model.facts import UNPLACED
from cellwright.rules.reasons import reason
from cellwright.rules.state import LoadingRow, LoadRun, LotPartRow, LotRow, State


class Claim(Struct, frozen=True):
    """[start, end) of a lot that units, or another lot, took."""

    lot: int
    start: int
    end: int
    tolerance: int


class Claims(Struct, frozen=True):
    """What a correction takes off lots and puts on lots, and what else is recorded of these."""

    off: tuple[Claim, ...]
    on: tuple[Claim, ...]
    rest: tuple[Claim, ...]

    @property
    def lots(self) -> list[int]:
        """The lots concerned."""
        return sorted({each.lot for each in (*self.off, *self.on)})


def claim_of(run: LoadRun) -> Claim:
    """Return what a run claims."""
    return Claim(run.lot, run.start, run.end, run.tolerance)


def claims_of_parts(parts: Iterable[LotPartRow]) -> list[Claim]:
    """Return what parts claim of their parents; of a part that nobody placed it is unknown."""
    placed = (part for part in parts if part.tolerance != UNPLACED)
    return [Claim(part.parent, part.parent_start, part.parent_end, part.tolerance) for part in placed]


def stock_corrections(state: State, claims: Claims) -> tuple[StockCorrection, ...]:
    """Return what changes in stock: only a lot's end can be given back, and only while none of it is mounted."""
    changes = [(number, _returned(state, number, claims)) for number in claims.lots]
    return tuple(StockCorrection(lot=number, returned=amount) for number, amount in changes if amount)


def _returned(state: State, number: int, claims: Claims) -> int:
    lot = state.get(LotRow, number)
    if lot is None or not lot.quantity:
        return 0
    before = _reach(number, (*claims.off, *claims.rest))
    after = _reach(number, (*claims.on, *claims.rest))
    if after > lot.cursor:
        return -min(after - lot.cursor, lot.remaining)
    freed = [each.start for each in claims.off if each.lot == number]
    if lot.loaded or before < lot.cursor or not freed:
        return 0
    return min(lot.cursor - max(after, min(freed)), lot.quantity - lot.remaining)


def _reach(number: int, claims: Iterable[Claim]) -> int:
    return max((each.end for each in claims if each.lot == number), default=0)


def stock_reasons(state: State, claims: Claims) -> list[Reason]:
    """Return why the lots that were really taken cannot have given that much: not there, or still mounted."""
    reasons = []
    for claim in claims.on:
        lot = state.get(LotRow, claim.lot)
        if lot is None or not lot.quantity:
            continue
        reasons += _mounted_reasons(state, lot, claim)
        if claim.end > lot.cursor + lot.remaining + claim.tolerance:
            text = (
                f"lot {lot.code} reaches to {lot.cursor + lot.remaining} {lot.measure}, the correction takes up to"
                f" {claim.end}; correct in the same command what else the record says of it, or give another start"
            )
            reasons.append(
                reason(RefusalCode.LOT_EXHAUSTED, text, lot=lot.code, end=claim.end, reach=lot.cursor + lot.remaining)
            )
    return reasons


def _mounted_reasons(state: State, lot: LotRow, claim: Claim) -> list[Reason]:
    reasons = []
    for loading in state.rows(LoadingRow):
        ends = (loading.consumed_to, loading.consumed_to + loading.remaining)
        if loading.lot == lot.id and claim.start < ends[1] and claim.end > ends[0] + claim.tolerance:
            text = (
                f"[{ends[0]}, {ends[1]}) of lot {lot.code} still stands at position {loading.position} of"
                f" {loading.station}, where the next units would take it too; unload it, correct, and load it again"
            )
            reasons.append(
                reason(
                    RefusalCode.POSITION_OCCUPIED,
                    text,
                    lot=lot.code,
                    station=loading.station,
                    position=loading.position,
                )
            )
    return reasons
