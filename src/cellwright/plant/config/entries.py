"""The tables of a plant's TOML files as types; descriptions and bounds here become docs/reference/plant-files.md."""

from typing import Annotated

from msgspec import Meta, Struct, field

from cellwright.model.ids import UnitKind
from cellwright.model.quantities import Measure
from cellwright.model.routes import NotGoodAction, OperationKind

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$", description="lower-case letters, digits and _")]
Code = Annotated[str, Meta(pattern=r"^[A-Z][A-Z0-9-]*$", description="capital letters, digits and -")]
Text = Annotated[str, Meta(min_length=1)]
Amount = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]


class Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all tables."""


class SiteEntry(Entry, frozen=True, kw_only=True):
    """The plant itself; one table."""

    code: Annotated[Code, Meta(description="Code of the site.")]
    name: Annotated[Text, Meta(description="Name for people.")]
    line: Annotated[
        int, Meta(ge=1, le=16383, description="Number of the line: high bits of every unit id. Never change it.")
    ]
    currency: Annotated[str, Meta(description='Currency of all costs, as in ISO 4217; "" = no costs are given.')] = ""
    time_skew_max_s: Annotated[
        Positive, Meta(description="How far a station's clock may be from the plant's, seconds.")
    ] = 60


class WorkCenterEntry(Entry, frozen=True, kw_only=True):
    """A line, process cell or storage zone: the stations that one equipment server speaks for."""

    code: Annotated[Name, Meta(description="Code, unique in the plant.")]
    name: Annotated[Text, Meta(description="Name for people.")]
    area: Annotated[Name, Meta(description="ISA-95 area that it belongs to.")]


class ToolEntry(Entry, frozen=True, kw_only=True):
    """A wearing tool of a station."""

    code: Annotated[Name, Meta(description="Code, unique at the station.")]
    life_count: Annotated[
        Positive, Meta(description="Uses until it must be replaced: units, or runs of a lot operation.")
    ]


class StationEntry(Entry, frozen=True, kw_only=True):
    """A station: it asks before work and reports after."""

    code: Annotated[Code, Meta(description="Code, unique in the plant; the name of its OPC UA object.")]
    name: Annotated[Text, Meta(description="Name for people.")]
    work_center: Annotated[Name, Meta(description="Work centre that it belongs to.")]
    operations: Annotated[
        tuple[Name, ...], Meta(description="Operations that may be done there; [] = it only moves or receives.")
    ] = ()
    tools: Annotated[tuple[ToolEntry, ...], Meta(description="Tools that wear with every use.")] = ()
    capacity_count: Annotated[
        Positive, Meta(description="Units, or runs of a lot operation, that may be in process at once.")
    ] = 1
    carrier: Annotated[str, Meta(description='Carrier type that is worked on as one page; "" = single units.')] = ""
    dispatched: Annotated[
        bool, Meta(description="Whether it works only on job orders, as on a line that runs by itself.")
    ] = False


class MaterialEntry(Entry, frozen=True, kw_only=True):
    """A kind of lot."""

    code: Annotated[Name, Meta(description="Code, unique in the plant.")]
    name: Annotated[Text, Meta(description="Name for people.")]
    measure: Annotated[Measure, Meta(description="Base unit in which its lots are counted.")]
    purchased: Annotated[bool, Meta(description="Whether suppliers deliver it.")] = False
    shelf_life_s: Annotated[
        Positive | None, Meta(description="Seconds from its making until a lot made here expires.")
    ] = None


class ProductEntry(Entry, frozen=True, kw_only=True):
    """A kind of unit with its own code on every piece."""

    code: Annotated[Name, Meta(description="Code, unique in the plant.")]
    name: Annotated[Text, Meta(description="Name for people.")]
    kind: Annotated[UnitKind, Meta(description="What it is.")]
    design_part: Annotated[str, Meta(description="Characters 1 to 14 of its GB/T 34014-2017 code.")]
    stock_cost: Annotated[
        Amount | None,
        Meta(description="What one costs that is recalled while it is still here, in the site's currency."),
    ] = None
    field_cost: Annotated[
        Amount | None, Meta(description="What one costs that is recalled after it was shipped, fetching it included.")
    ] = None


class CarrierEntry(Entry, frozen=True, kw_only=True):
    """A kind of tray or magazine."""

    code: Annotated[Name, Meta(description="Code, unique in the plant.")]
    prefix: Annotated[Text, Meta(description="How the codes of its carriers begin.")]
    slot_count: Annotated[Positive, Meta(description="Slots, counted from 0.")]


class RouteEntry(Entry, frozen=True, kw_only=True):
    """The way of a product through the plant."""

    code: Annotated[Name, Meta(description="Code, unique in the plant.")]
    product: Annotated[Name, Meta(description="Product that it makes; a product has one route.")]
    operations: Annotated[
        tuple[Name, ...], Meta(min_length=1, description="Its operations in order; the first gives birth to the unit.")
    ]


class MaterialUseEntry(Entry, frozen=True, kw_only=True):
    """What an operation takes at one material position, in the material's measure."""

    position: Annotated[Name, Meta(description="Material position at the station.")]
    material: Annotated[Name, Meta(description="Material that it takes.")]
    quantity: Annotated[
        Positive, Meta(description="Use per unit (or least quantity per run) that check-in must find loaded.")
    ]
    tolerance: Annotated[
        Amount, Meta(description="How far the stored interval of a unit may lie from the machine's counter.")
    ] = 0
    counter_tolerance: Annotated[
        Amount, Meta(description="How far the machine's counter may lie from the true position.")
    ] = 0
    optional: Annotated[bool, Meta(description="Whether the position may be empty.")] = False
    exposure_max_s: Annotated[
        Positive | None, Meta(description="Longest time since the lot was made, seconds; left out = no limit.")
    ] = None


class QueueTimeEntry(Entry, frozen=True, kw_only=True):
    """Allowed time between the end of an earlier operation and the start of this one."""

    after: Annotated[Name, Meta(description="Earlier operation of the same route.")]
    min_s: Annotated[Amount, Meta(description="Least time, seconds.")] = 0
    max_s: Annotated[Positive | None, Meta(description="Longest time, seconds; left out = no limit.")] = None


class NotGoodEntry(Entry, frozen=True, kw_only=True):
    """What happens to a unit that the operation found not good."""

    action: Annotated[NotGoodAction, Meta(description="What to do.")] = NotGoodAction.SCRAP
    operation: Annotated[
        str, Meta(description="rework only: operation to go back to, at or before this one on the route.")
    ] = ""
    limit: Annotated[
        Positive,
        Meta(description="How often the operation may be repeated on a unit; after that rework becomes scrap."),
    ] = 1
    holds_at_limit: Annotated[
        bool,
        Meta(description="rework only: after that it becomes a hold, so that people save what is good in the unit."),
    ] = False


class MembersEntry(Entry, frozen=True, kw_only=True):
    """Finished units that a new unit is made of."""

    product: Annotated[Name, Meta(description="Product of the members.")]
    count: Annotated[Positive, Meta(description="How many.")]
    grade: Annotated[str, Meta(description='Grade that they must have; "" = any.')] = ""


class OperationEntry(Entry, frozen=True, kw_only=True):
    """One step: what it takes, allows and does."""

    code: Annotated[Name, Meta(description="Code, unique in the plant.")]
    name: Annotated[Text, Meta(description="Name for people.")]
    kind: Annotated[
        OperationKind,
        Meta(description="lot makes lots, commission gives birth to units, unit works on units."),
    ]
    materials: Annotated[tuple[MaterialUseEntry, ...], Meta(description="What it takes.")] = ()
    queue_times: Annotated[tuple[QueueTimeEntry, ...], Meta(description="Waiting windows (not for lot).")] = ()
    not_good: Annotated[NotGoodEntry, Meta(description="Not-good units (not for lot).")] = field(
        default_factory=NotGoodEntry
    )
    output_material: Annotated[str, Meta(description="lot only, and needed there: the material made.")] = ""
    output_count_max: Annotated[Positive, Meta(description="lot only: most lots that one run makes.")] = 1
    members: Annotated[
        MembersEntry | None, Meta(description="commission only: units that the new unit is made of.")
    ] = None
    qualification: Annotated[
        str, Meta(description='Qualification that the person at the station must hold; "" = none.')
    ] = ""
    calibrated: Annotated[bool, Meta(description="Whether the station's calibration must be valid.")] = False
    slot: Annotated[
        str,
        Meta(
            description="unit only: characteristic that tells the slot a unit was found in; a report that contradicts the "
            'record is refused; "" = none.'
        ),
    ] = ""


class MatchingEntry(Entry, frozen=True, kw_only=True):
    """How alike the members are that an operation joins."""

    operation: Annotated[Name, Meta(description="Operation that joins them.")]
    form: Annotated[Text, Meta(description="Groups in series and members in parallel, such as 4S20P.")]
    window_ocv_v: Annotated[float, Meta(description="Range of their open-circuit voltages at most, V.")]
    window_dcir_ratio: Annotated[float, Meta(description="Range of their resistances at most, as a ratio.")]
    max_age_d: Annotated[
        float, Meta(description="Older ones, counted from the end of their route in days, are not used.")
    ]
    mix_batches: Annotated[bool, Meta(description="Whether members of several days of production go together.")] = True
    window_capacity_ratio: Annotated[
        float | None, Meta(description="Range of their capacities at most, as a ratio; left out = no limit.")
    ] = None
    max_k_mv_per_d: Annotated[
        float | None, Meta(description="Self-discharge at most, mV a day; left out = no limit.")
    ] = None


class SampleEntry(Entry, frozen=True, kw_only=True):
    """A sample that is destroyed every so often at each station that does an operation."""

    operation: Annotated[Name, Meta(description="Operation of which it is; it has one such table.")]
    name: Annotated[Text, Meta(description="What is done, for people.")]
    characteristic: Annotated[Name, Meta(description="What is measured of each piece; it ends in the unit.")]
    unit: Annotated[Text, Meta(description="Unit of limits and values, for people.")]
    lower: Annotated[float | None, Meta(description="Lowest good value; left out = no limit.")] = None
    upper: Annotated[float | None, Meta(description="Highest good value; left out = no limit.")] = None
    source: Annotated[str, Meta(description='Where its limits come from; "" = not said.')] = ""
    coupon_count: Annotated[Positive, Meta(description="Pieces of one sample; one bad piece fails it.")] = 1
    every_count: Annotated[Positive, Meta(description="Units after a good sample until the next one is due.")]
    every_s: Annotated[
        Positive | None,
        Meta(description="Seconds after a good sample until the next one is due; left out = time does not matter."),
    ] = None
    grace_count: Annotated[
        Amount, Meta(description="Units that may still be begun while a sample is due; then check-in is refused.")
    ] = 0
    tools: Annotated[
        tuple[Name, ...], Meta(description="Tools of its stations whose replacement makes a sample due.")
    ] = ()
    good_modes: Annotated[
        tuple[Name, ...], Meta(description="Ways to fail that are as wanted; [] here and below = nobody asks.")
    ] = ()
    bad_modes: Annotated[tuple[Name, ...], Meta(description="Ways to fail that condemn a sample of any value.")] = ()


class CharacteristicEntry(Entry, frozen=True, kw_only=True):
    """Something that an operation measures, with its limits."""

    operation: Annotated[Name, Meta(description="Operation that measures it.")]
    code: Annotated[Name, Meta(description="Code, unique at the operation; it ends in the unit.")]
    unit: Annotated[Text, Meta(description="Unit of limits and values, for people.")]
    lower: Annotated[float | None, Meta(description="Lowest good value; left out = no limit.")] = None
    target: Annotated[float | None, Meta(description="Value aimed at; left out = none.")] = None
    upper: Annotated[float | None, Meta(description="Highest good value; left out = no limit.")] = None
    required: Annotated[bool, Meta(description="Whether a unit without a value is not good.")] = True
    source: Annotated[
        str, Meta(description='Where its limits come from, as a clause of a standard; "" = not said.')
    ] = ""


class GradeLimitEntry(Entry, frozen=True, kw_only=True):
    """Limits of one characteristic that a grade asks for."""

    characteristic: Annotated[Name, Meta(description="Characteristic of the same operation.")]
    lower: Annotated[float | None, Meta(description="Lowest value; left out = no limit.")] = None
    upper: Annotated[float | None, Meta(description="Highest value; left out = no limit.")] = None
    required: Annotated[bool, Meta(description="Whether a unit without a value misses the grade.")] = True


class GradeEntry(Entry, frozen=True, kw_only=True):
    """A bin; a good unit gets the first grade, in the order of the file, whose limits it meets."""

    operation: Annotated[Name, Meta(description="Operation that gives the grade.")]
    code: Annotated[Text, Meta(description="Code, unique at the operation.")]
    limits: Annotated[
        tuple[GradeLimitEntry, ...], Meta(description="What it asks for; [] = every good unit meets it.")
    ] = ()


class CorrectionEntry(Entry, frozen=True, kw_only=True):
    """A value as it would be at one temperature on the average gauge, recorded beside the measured one."""

    operation: Annotated[Name, Meta(description="Operation that measures it.")]
    characteristic: Annotated[Name, Meta(description="Characteristic of the operation that is corrected.")]
    corrected: Annotated[
        Name, Meta(description="Characteristic of the operation that the corrected value is recorded as; not required.")
    ]
    temperature: Annotated[
        str, Meta(description='Characteristic that tells its temperature, in degrees C; "" = no matter.')
    ] = ""
    reference_c: Annotated[float, Meta(description="Temperature that it is corrected to, degrees C.")] = 25.0
    arrhenius_k: Annotated[
        float, Meta(description="B in ln(value) = ... + B (1/T - 1/T0), K; 0 = not so. Resistances.")
    ] = 0.0
    linear_ratio: Annotated[
        float, Meta(description="b in ln(value) = ... + b (T - T0): share for one degree; 0 = not so. Capacities.")
    ] = 0.0
    temperature_error_ratio: Annotated[
        float, Meta(ge=0, le=1, description="Standard error of either, as a share of it.")
    ] = 0.0
    by: Annotated[
        tuple[Name, ...],
        Meta(description="Characteristics that tell what it was measured with: chamber, channel, needle."),
    ] = ()
    lots: Annotated[
        str, Meta(description='Material position whose lots truly differ, so that gauges get no blame; "" = none.')
    ] = ""
    graded: Annotated[bool, Meta(description="Whether grades ask for the corrected value where there is one.")] = True


class CurvePointEntry(Entry, frozen=True, kw_only=True):
    """A point of an open-circuit curve."""

    soc_ratio: Annotated[float, Meta(ge=0, le=1, description="State of charge, 0 to 1.")]
    ocv_v: Annotated[float, Meta(gt=0, description="Open-circuit voltage there at `reference_c`, V.")]


class SelfDischargeEntry(Entry, frozen=True, kw_only=True):
    """Self-discharge from two open-circuit voltages, recorded beside the K that the station reports."""

    operation: Annotated[Name, Meta(description="Operation that measures both voltages; it has one such table.")]
    characteristic: Annotated[Name, Meta(description="Characteristic of the operation that is K as reported, mV/h.")]
    corrected: Annotated[
        Name, Meta(description="Characteristic that K at one temperature is recorded as; not required.")
    ]
    leak: Annotated[
        Name, Meta(description="Characteristic that the current lost inside is recorded as, mA; not required.")
    ]
    ocv1: Annotated[Name, Meta(description="Characteristic that is the first voltage, V.")]
    ocv1_temperature: Annotated[Name, Meta(description="Characteristic that is its temperature, degrees C.")]
    ocv2: Annotated[Name, Meta(description="Characteristic that is the second voltage, V.")]
    ocv2_temperature: Annotated[Name, Meta(description="Characteristic that is its temperature, degrees C.")]
    rest: Annotated[Name, Meta(description="Characteristic that is the time without current before the first, h.")]
    between: Annotated[Name, Meta(description="Characteristic that is the time between both, h.")]
    nominal_rest_h: Annotated[float, Meta(gt=0, description="Rest that all units are compared at, h.")]
    nominal_between_h: Annotated[float, Meta(gt=0, description="Time between that all units are compared at, h.")]
    rest_tolerance_ratio: Annotated[
        float, Meta(ge=0, le=1, description="By which share either may differ; beyond it K is unknown.")
    ] = 0.05
    curve: Annotated[
        tuple[CurvePointEntry, ...],
        Meta(min_length=1, description="Open-circuit curve where cells age: rising points, two or more."),
    ]
    curve_source: Annotated[Text, Meta(description="Where the curve comes from: your own slow discharge, a paper.")]
    entropy_mv_per_c: Annotated[
        float | None, Meta(description="dU/dT at that state of charge, mV per degree C; left out = unknown.")
    ] = None
    entropy_error_mv_per_c: Annotated[float, Meta(ge=0, description="Standard error of it.")] = 0.0
    entropy_source: Annotated[str, Meta(description="Where it comes from; needed where it is given.")] = ""
    temperature_error_c: Annotated[
        float, Meta(ge=0, description="Standard error of how much warmer the one voltage was measured, degrees C.")
    ] = 0.1
    temperature_tolerance_c: Annotated[
        float, Meta(ge=0, description="dU/dT unknown: both temperatures may differ so much; beyond it K is unknown.")
    ] = 0.2
    reference_c: Annotated[float, Meta(description="Temperature that K is corrected to, degrees C.")] = 25.0
    voltmeter_mv: Annotated[float, Meta(gt=0, description="Repeatability, one sigma, of one voltage, mV.")] = 0.05
    leak_of_interest_ma: Annotated[
        float, Meta(gt=0, description="Leak that must be seen; where the curve is too flat for it K is unknown, mA.")
    ] = 0.1
    capacity_ah: Annotated[float, Meta(gt=0, description="Capacity that turns K into a leak, Ah.")]
    capacity: Annotated[
        str, Meta(description='Characteristic of the operation that tells it of each unit; "" = none does.')
    ] = ""
    capacity_source: Annotated[Text, Meta(description="Where the capacity comes from.")]
    graded: Annotated[
        bool,
        Meta(description="Whether grades that ask for the reported K get the corrected one; unknown stays unknown."),
    ] = True


class MassPartEntry(Entry, frozen=True, kw_only=True):
    """A mass that an earlier operation recorded of the same unit."""

    operation: Annotated[Name, Meta(description="Operation that recorded it.")]
    characteristic: Annotated[Name, Meta(description="Characteristic of it, in g.")]


class MassCheckEntry(Entry, frozen=True, kw_only=True):
    """What a unit must weigh by its record, so that a unit under a wrong code is found."""

    operation: Annotated[Name, Meta(description="Operation that weighs; it has one such table.")]
    characteristic: Annotated[Name, Meta(description="Characteristic of the operation that is the mass, in g.")]
    parts: Annotated[tuple[MassPartEntry, ...], Meta(min_length=1, description="Recorded masses that it contains.")]
    rest_g: Annotated[float, Meta(ge=0, description="What of it was never weighed, g.")]
    tolerance_g: Annotated[float, Meta(gt=0, description="How far it may be off: both scales, and the rest, g.")]


class RecipeEntry(Entry, frozen=True, kw_only=True):
    """Set values of an operation."""

    code: Annotated[Code, Meta(description="Code of the recipe.")]
    revision: Annotated[Positive, Meta(description="Revision; the highest of an operation is in force.")]
    operation: Annotated[Name, Meta(description="Operation that it is for.")]
    released: Annotated[bool, Meta(description="Whether it may run.")] = True
    parameters: Annotated[dict[Name, float], Meta(description="Set values by name; a name ends in its unit.")] = field(
        default_factory=dict
    )


FILES: dict[str, dict[str, type[Entry]]] = {
    "plant.toml": {"site": SiteEntry},
    "equipment.toml": {"work_centers": WorkCenterEntry, "stations": StationEntry},
    "materials.toml": {"materials": MaterialEntry, "products": ProductEntry},
    "carriers.toml": {"carriers": CarrierEntry},
    "routes.toml": {
        "routes": RouteEntry,
        "operations": OperationEntry,
        "matching": MatchingEntry,
        "samples": SampleEntry,
    },
    "characteristics.toml": {
        "characteristics": CharacteristicEntry,
        "corrections": CorrectionEntry,
        "self_discharge": SelfDischargeEntry,
        "mass_checks": MassCheckEntry,
        "grades": GradeEntry,
    },
    "recipes.toml": {"recipes": RecipeEntry},
}
"""Every file of a plant's folder, and the tables in it; `site` is one table, all others are lists."""
