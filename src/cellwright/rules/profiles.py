"""What a check-out says of its lots by position: profiles and marks, tested column by column and put into facts."""

import math
from collections.abc import Iterator

from cellwright.model.answers import Reason, RefusalCode
from cellwright.model.commands import CheckOut, Marks, Profile
from cellwright.model.webs import LotMark, LotProfile
from cellwright.rules.consumption import LANE_LIMIT
from cellwright.rules.pages import check_arity
from cellwright.rules.reasons import reason

VALUES_MAX = 40_000
"""Values of all profiles of one report: 10 km of four lanes, each metre."""
MARKS_MAX = 2_000
"""Marks of one report."""


def is_profiled(command: CheckOut) -> bool:
    """Tell whether a report says anything by position."""
    return bool(command.profiles or command.marks != Marks())


def profile_reasons(command: CheckOut) -> list[Reason]:
    """Return every reason why the profiles of a report cannot be kept; too many are not looked at one by one."""
    count = sum(len(profile.values) for profile in command.profiles)
    if count > VALUES_MAX or len(command.profiles) > VALUES_MAX:
        text = f"{len(command.profiles)} profiles hold {count} values; report at most {VALUES_MAX} a page, "
        text += "with longer steps or fewer lots at a time"
        return [reason(RefusalCode.COUNT_INVALID, text, count=count, most=VALUES_MAX)]
    reasons = [each for index, profile in enumerate(command.profiles) for each in _of_profile(command, index, profile)]
    return [*reasons, *_repeated(command)]


def _of_profile(command: CheckOut, index: int, profile: Profile) -> Iterator[Reason]:
    name = f"profile {index} ({profile.characteristic[:40]})"
    if not profile.characteristic or not profile.values:
        text = f"{name} has no {'values' if profile.characteristic else 'characteristic'}; give both or leave it out"
        yield reason(RefusalCode.PAGE_MISMATCH, text, column="profiles", row=index)
    if any(value is not None and not math.isfinite(value) for value in profile.values):
        text = f"{name} holds a number that is not finite; leave out (null, NaN over OPC UA) what was not measured"
        yield reason(RefusalCode.PAGE_MISMATCH, text, column="profiles", row=index)
    yield from _place_reasons(command, name, output=profile.output, lane=profile.lane)
    quantity, last = _quantity(command, profile.output), profile.start + (len(profile.values) - 1) * profile.step
    if profile.step < 1 or profile.start < 0 or (quantity is not None and last >= max(quantity, 1)):
        text = (
            f"{name} from {profile.start} by {profile.step} with {len(profile.values)} values does not lie on output "
        )
        text += f"{profile.output} of {quantity}; every value has to begin on its lot, and a step is 1 or more"
        yield reason(RefusalCode.INTERVAL_INVALID, text, start=profile.start, step=profile.step, quantity=quantity)


def _repeated(command: CheckOut) -> Iterator[Reason]:
    keys = [(each.characteristic, each.output, each.lane) for each in command.profiles]
    for key in sorted({key for key in keys if keys.count(key) > 1}) if len(set(keys)) < len(keys) else ():
        text = f"the profile of {key[0][:40]} in lane {key[2]} of output {key[1]} is given {keys.count(key)} times; "
        text += "give it once, with null where nothing was measured"
        yield reason(RefusalCode.PAGE_MISMATCH, text, column="profiles", output=key[1], lane=key[2])


def mark_reasons(command: CheckOut) -> list[Reason]:
    """Return every reason why the marks of a report cannot be kept; too many are not looked at one by one."""
    marks = command.marks
    columns = {"defects": marks.defects, "outputs": marks.outputs, "starts": marks.starts, "ends": marks.ends}
    count = max(len(marks.lanes), *map(len, columns.values()))
    if count > MARKS_MAX:
        text = (
            f"{count} marks in one report; report at most {MARKS_MAX}, the gravest, and hold the lot if there are more"
        )
        return [reason(RefusalCode.COUNT_INVALID, text, count=count, most=MARKS_MAX)]
    reasons = check_arity("marks.lanes", len(marks.lanes), count)
    for name, column in columns.items():
        if len(column) != count:
            text = f"column marks.{name} has {len(column)} values for {count} marks; give one per mark"
            reasons.append(reason(RefusalCode.PAGE_MISMATCH, text, column=f"marks.{name}", expected=count))
    return reasons or [each for index in range(count) for each in _of_mark(command, index)]


def _of_mark(command: CheckOut, index: int) -> Iterator[Reason]:
    marks = command.marks
    start, end, output = marks.starts[index], marks.ends[index], marks.outputs[index]
    name = f"mark {index} ({marks.defects[index][:40]})"
    if not marks.defects[index]:
        text = f"{name} has no defect; name what was seen, or leave the mark out"
        yield reason(RefusalCode.PAGE_MISMATCH, text, column="marks.defects", row=index)
    yield from _place_reasons(command, name, output=output, lane=_lane(marks, index))
    quantity = _quantity(command, output)
    if not 0 <= start < end or (quantity is not None and end > quantity):
        text = f"{name}: [{start}, {end}) is no stretch of output {output} of {quantity}; "
        text += "give 0 <= start < end <= its quantity"
        yield reason(RefusalCode.INTERVAL_INVALID, text, start=start, end=end, quantity=quantity)


def _place_reasons(command: CheckOut, name: str, *, output: int, lane: int) -> Iterator[Reason]:
    if not 0 <= output < len(command.lots):
        text = f"{name} is of output {output}, but the page has {len(command.lots)} lots; count them from 0"
        yield reason(RefusalCode.INTERVAL_INVALID, text, output=output, count=len(command.lots))
    if not 0 <= lane <= LANE_LIMIT:
        text = f"{name} is in lane {lane}; lanes are 1 to {LANE_LIMIT}, 0 = the whole width"
        yield reason(RefusalCode.INTERVAL_INVALID, text, lane=lane, most=LANE_LIMIT)


def _quantity(command: CheckOut, output: int) -> int | None:
    """Return an output's quantity, None where the report does not give it: that is refused elsewhere."""
    return command.quantities[output] if 0 <= output < len(command.quantities) else None


def _lane(marks: Marks, index: int) -> int:
    return marks.lanes[index] if marks.lanes else 0


def lot_profiles(command: CheckOut, lots: tuple[int, ...]) -> tuple[LotProfile, ...]:
    """Return the profiles of a report by the numbers of its lots."""
    return tuple(
        LotProfile(
            lot=lots[each.output],
            characteristic=each.characteristic,
            lane=each.lane,
            start=each.start,
            step=each.step,
            values=each.values,
        )
        for each in command.profiles
    )


def lot_marks(command: CheckOut, lots: tuple[int, ...]) -> tuple[LotMark, ...]:
    """Return the marks of a report by the numbers of its lots."""
    marks = command.marks
    return tuple(
        LotMark(
            lot=lots[output],
            defect=marks.defects[index],
            start=marks.starts[index],
            end=marks.ends[index],
            lane=_lane(marks, index),
        )
        for index, output in enumerate(marks.outputs)
    )
