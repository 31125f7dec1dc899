"""Frames of GB/T 32960 for tests: any that the tables allow, and ordinary ones of invented vehicles."""

import datetime as dt
from typing import Final

from hypothesis import strategies as st

from cellwright.links.gb32960.commands import DATA, REPORTS, Answer, Command
from cellwright.links.gb32960.composing import Physical, unit_from
from cellwright.links.gb32960.fields import (
    BEIJING,
    REST,
    Field,
    Listed,
    Number,
    Switch,
    Text,
    Time,
    Value,
    Values,
    time_bytes,
)
from cellwright.links.gb32960.frames import Message, Unit
from cellwright.links.gb32960.tables import SIGNATURE, UNITS, Edition

VIN: Final = b"TESTVEHICLE000001"
MOMENT: Final = dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=BEIJING)
_ITEMS_MAX: Final = 4


@st.composite
def messages(draw: st.DrawFn, *, only_reports: bool = False) -> Message:
    """Any message that the tables allow, states among its numbers."""
    edition = draw(st.sampled_from(Edition))
    command = draw(st.sampled_from(sorted(REPORTS) if only_reports else sorted(DATA[edition])))
    units: tuple[Unit, ...] = ()
    if command in REPORTS:
        numbers = draw(st.lists(st.sampled_from([each for each in UNITS[edition] if each != SIGNATURE]), max_size=6))
        if edition is Edition.E2025 and draw(st.booleans()):
            numbers.append(SIGNATURE)
        units = tuple(Unit(each, draw(_values(UNITS[edition][each].fields))) for each in numbers)
    return Message(
        edition=edition,
        command=command,
        answer=Answer.COMMAND,
        identity=draw(st.binary(min_size=17, max_size=17)),
        values=draw(_values(DATA[edition][command])),
        units=units,
    )


@st.composite
def _values(draw: st.DrawFn, fields: tuple[Field, ...], seen: dict[str, int] | None = None) -> Values:
    seen = {} if seen is None else seen
    telling = {each.count for each in fields if isinstance(each, Listed)}
    values: Values = {}
    for each in fields:
        if isinstance(each, Number):
            raw = draw(_raw(each, is_small=each.name in telling or each.name.endswith("_size")))
            values[each.name], seen[each.name] = raw, 0 if each.state(raw) else raw
        elif isinstance(each, Switch):
            values |= draw(_case(each, values, seen))
        else:
            values[each.name] = draw(_sized(each, seen))
    return values


@st.composite
def _case(draw: st.DrawFn, switch: Switch, values: Values, seen: dict[str, int]) -> Values:
    number = draw(st.sampled_from(sorted(switch.cases)))
    values[switch.on] = seen[switch.on] = number
    return draw(_values(switch.cases[number], seen))


@st.composite
def _raw(draw: st.DrawFn, number: Number, *, is_small: bool) -> int:
    top = number.invalid
    return draw(st.one_of(st.integers(0, _ITEMS_MAX if is_small else top), st.sampled_from([top, top - 1])))


@st.composite
def _sized(draw: st.DrawFn, field: Field, seen: dict[str, int]) -> Value:
    if isinstance(field, Listed):
        return draw(_items(field, seen))
    size = 6 if isinstance(field, Time) else field.size if not isinstance(field, Number | Switch) else 0
    if size == REST:
        return draw(st.binary(max_size=20))
    count = size if isinstance(size, int) else seen.get(size, 0)
    return draw(st.binary(min_size=count, max_size=count))


@st.composite
def _items(draw: st.DrawFn, listed: Listed, seen: dict[str, int]) -> Value:
    count, bare = seen[listed.count], listed.bare
    if isinstance(bare, Number):
        numbers = [draw(_raw(bare, is_small=True)) for _ in range(count)]
        seen[listed.name] = sum(0 if bare.state(each) else each for each in numbers)
        return numbers
    if isinstance(bare, Text):
        size = bare.size if isinstance(bare.size, int) else seen[bare.size]
        return [draw(st.binary(min_size=size, max_size=size)) for _ in range(count)]
    return [draw(_values(listed.item, seen)) for _ in range(count)]


def report(edition: Edition, *units: Unit, moment: dt.datetime = MOMENT, vin: bytes = VIN) -> Message:
    """Return a realtime report of units."""
    return Message(
        edition=edition,
        command=Command.REALTIME,
        answer=Answer.COMMAND,
        identity=vin,
        values={"time": time_bytes(moment)},
        units=units,
    )


def ordinary(edition: Edition, *, cells_count: int = 0, probes_count: int = 0) -> Message:
    """Return the report of a car that drives: vehicle, one motor, position, extremes (2016), alarms, lists if asked for."""
    units = [
        unit_from(
            edition,
            "vehicle",
            vehicle_state=1,
            charge_state=3,
            running_mode=1,
            speed_km_per_h=63.2,
            odometer_km=48213.7,
            voltage_v=53.4,
            current_a=81.5,
            soc_percent=64,
            dcdc_state=1,
            gear_bits=0x2E,
            insulation_kohm=8200,
        ),
        unit_from(edition, "motors", motors=[{"motor_no": 1, "state": 1, "speed_rpm": 4312, "torque_nm": 38.5}]),
        unit_from(edition, "position", longitude_deg=103.8, latitude_deg=30.6),
        unit_from(edition, "alarms", level=0),
    ]
    if edition is Edition.E2016:
        units.append(unit_from(edition, "extremes", highest_mv=3341, lowest_mv=3330, highest_c=31, lowest_c=27))
    if cells_count:
        cells = [3330 + place % 12 for place in range(cells_count)]
        where: dict[str, Physical] = (
            {"cells_total": cells_count, "first_cell_no": 1} if edition is Edition.E2016 else {}
        )
        subsystem: dict[str, Physical] = {
            "subsystem_no": 1,
            "voltage_v": 53.4,
            "current_a": 81.5,
            "cells_mv": cells,
            **where,
        }
        units.append(unit_from(edition, "voltages", subsystems=[subsystem]))
    if probes_count:
        probes: dict[str, Physical] = {"subsystem_no": 1, "probes_c": [27 + place % 4 for place in range(probes_count)]}
        units.append(unit_from(edition, "temperatures", subsystems=[probes]))
    return report(edition, *units)
