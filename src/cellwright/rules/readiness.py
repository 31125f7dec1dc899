"""Is the station itself ready? Clock, capacity, recipe, tools, calibration, person."""

from collections.abc import Iterator

from cellwright.model.answers import Reason, RefusalCode
from cellwright.model.commands import CheckIn
from cellwright.model.equipment import Station
from cellwright.model.routes import Operation
from cellwright.rules.reasons import reason
from cellwright.rules.state import CalibrationRow, PersonRow, QualificationRow, State, ToolRow

_US_PER_S = 1_000_000


def running_counter(station: str) -> str:
    """Return the name of the counter of units in process at a station."""
    return f"running/{station}"


def open_counter(station: str) -> str:
    """Return the name of the counter of lots that a station was admitted to make and has not reported."""
    return f"open/{station}"


def clock_tests(state: State, time_us: int, now_us: int) -> Iterator[Reason]:
    """Yield a reason when the equipment's clock and the plant's differ by more than the plant allows."""
    skew_s = abs(time_us - now_us) / _US_PER_S
    if skew_s > state.plant.time_skew_max_s:
        text = (
            f"the equipment's clock is {skew_s:.0f} s off, at most {state.plant.time_skew_max_s} s are allowed; set it"
        )
        yield reason(RefusalCode.CLOCK_SKEWED, text, time_us=time_us, now_us=now_us, skew_s=round(skew_s, 3))


def capacity_tests(state: State, station: Station, count: int) -> Iterator[Reason]:
    """Yield a reason when `count` more units do not fit into the station."""
    running = state.counter(running_counter(station.code))
    if running + count > station.capacity_count:
        text = f"station {station.code} has {running} in process and room for {station.capacity_count}; {count} asked"
        yield reason(
            RefusalCode.STATION_FULL, text, station=station.code, running=running, capacity=station.capacity_count
        )


def recipe_tests(state: State, operation: str, digest: str) -> Iterator[Reason]:
    """Yield the reasons why the recipe read back from the machine is not the released one."""
    recipe = state.plant.recipes.get(operation)
    if recipe is None or not recipe.released:
        text = f"operation {operation} has no released recipe; release one in recipes.toml"
        yield reason(RefusalCode.RECIPE_MISSING, text, operation=operation)
    elif digest != recipe.digest:
        text = f"the machine does not run {recipe.code} revision {recipe.revision} as released; download and read back"
        yield reason(
            RefusalCode.RECIPE_MISMATCH, text, recipe=recipe.code, revision=recipe.revision, read_back=digest[:16]
        )


def equipment_tests(state: State, station: Station, operation: Operation, now_us: int) -> Iterator[Reason]:
    """Yield the reasons why tools or calibration do not allow work."""
    for tool in station.tools:
        row = state.get(ToolRow, (station.code, tool.code))
        if row is not None and row.used_count >= tool.life_count:
            text = (
                f"tool {tool.code} of {station.code} was used {row.used_count} of {tool.life_count} times; replace it"
            )
            yield reason(RefusalCode.TOOL_WORN, text, tool=tool.code, used=row.used_count, life=tool.life_count)
    if operation.calibrated:
        calibration = state.get(CalibrationRow, station.code)
        until_us = 0 if calibration is None else calibration.valid_until_us
        if now_us > until_us:
            text = f"station {station.code} has no valid calibration for {operation.code}; calibrate and record it"
            yield reason(RefusalCode.CALIBRATION_EXPIRED, text, station=station.code, valid_until_us=until_us or None)


def person_tests(state: State, operation: Operation, person: str, now_us: int) -> Iterator[Reason]:
    """Yield a reason when the operation needs a qualification that the person at the station does not hold."""
    if not operation.qualification:
        return
    row = state.get(PersonRow, person)
    held = state.get(QualificationRow, (person, operation.qualification))
    valid = row is not None and not row.disabled and held is not None and held.valid_until_us >= now_us
    if not valid:
        text = f"{operation.code} needs a person qualified for {operation.qualification}; {person or 'nobody'} is not"
        yield reason(RefusalCode.QUALIFICATION_MISSING, text, person=person, qualification=operation.qualification)


def station_reasons(
    state: State, command: CheckIn, *, station: Station, operation: Operation, now_us: int
) -> list[Reason]:
    """Return every reason why the station may not run the operation now."""
    return [
        *recipe_tests(state, operation.code, command.recipe_digest),
        *equipment_tests(state, station, operation, now_us),
        *person_tests(state, operation, command.person, now_us),
    ]
