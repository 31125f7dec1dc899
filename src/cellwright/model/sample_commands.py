"""Commands of sample plans: what a sample that was destroyed gave."""

from cellwright.model.wire import Code, CommandBase, Text


class RecordSample(CommandBase, frozen=True, kw_only=True):
    """The result of a sample of an operation at a station; the plan of the operation says whether it is good."""

    station: Code
    operation: Code = ""
    """Operation of which a sample was taken; "" = the station's only one."""
    characteristic: Code = ""
    """What was measured; "" = what the plan asks for."""
    values: tuple[float | None, ...]
    """One value per piece, in the unit of the plan; null = it could not be measured, which is not good."""
    modes: tuple[Code, ...] = ()
    """How each piece failed, as the plan names it; no list where the plan names none."""
    units: tuple[Code, ...] = ()
    """Units that the pieces were made with or taken from; no list = a coupon of its own."""
    person: Code = ""
    reason: Text = ""
    """A remark, such as the number of the test report."""
