"""Stories of refused releases of gauges' effects, and the tiny plant with chambers and channels that are corrected."""

from msgspec import structs

from cellwright.model.answers import Answer, RefusalCode
from cellwright.model.corrections import Correction, GaugeEffect, ReleaseCorrection, Share, Window
from cellwright.model.plant import Plant
from cellwright.model.quantities import Characteristic
from cellwright.model.routes import Operation
from cellwright.testing.flow import Driver
from cellwright.testing.plants import small_plant
from cellwright.testing.provocation import Book

BOOK = Book()
CORRECTION = Correction(
    characteristic="capacity_ah",
    corrected="capacity_fair_ah",
    temperature="chamber_c",
    linear_ratio=0.005,
    temperature_error_ratio=0.1,
    by=("chamber_no", "channel_no"),
    lots="cathode",
)
WINDOW = Window(pages_count=20, units_count=160, from_us=1_767_225_600_000_000, to_us=1_767_830_400_000_000)
CHAMBERS = GaugeEffect(
    by="chamber_no", levels=(0, 1), offsets_ratio=(0.01, -0.01), errors_ratio=(0.001, 0.002), counts=(80, 80), spread_ratio=0.01
)  # fmt: skip
CHANNELS = GaugeEffect(
    by="channel_no", levels=(0, 1, 2), offsets_ratio=(0.02, 0.0, -0.02), errors_ratio=(0.004,) * 3, counts=(20,) * 3, spread_ratio=0.03
)  # fmt: skip
RELEASE = ReleaseCorrection(
    station="GRADE-01",
    operation="grade",
    characteristic="capacity_ah",
    effects=(CHAMBERS, CHANNELS),
    window=WINDOW,
    shares=(Share("chamber_no", 0.25), Share("channel_no", 0.5), Share("rest", 0.25)),
    reason="after the service",
    second_person="QA2",
)


def signers(driver: Driver) -> Driver:
    """Make the two people known who release."""
    driver.person("QA1", "quality")
    driver.person("QA2", "process")
    return driver


def correcting_plant(correction: Correction = CORRECTION) -> Plant:
    """Return the tiny plant whose grading corrects capacity for temperature, chamber and channel."""
    plant = small_plant()
    routes = {
        code: structs.replace(draft, operations=tuple(_correcting(each, correction) for each in draft.operations))
        for code, draft in plant.routes.items()
    }
    return structs.replace(plant, routes=routes)


def _correcting(operation: Operation, correction: Correction) -> Operation:
    if operation.code != "grade":
        return operation
    units = {correction.corrected: "Ah", correction.temperature: "C", **dict.fromkeys(correction.by, "1")}
    added = tuple(Characteristic(code=code, unit=unit, required=False) for code, unit in units.items())
    characteristics = (*operation.characteristics, *added)
    return structs.replace(operation, characteristics=characteristics, corrections=(correction,))


@BOOK.of(RefusalCode.CORRECTION_INVALID)
def _effects_on_what_is_not_corrected(driver: Driver) -> Answer:
    return signers(driver).submit(RELEASE, actor="QA1")


@BOOK.of(RefusalCode.CORRECTION_INVALID)
def _effects_of_gauges_that_the_files_do_not_name(driver: Driver) -> Answer:
    driver.adopt(correcting_plant())
    return signers(driver).submit(structs.replace(RELEASE, effects=(CHAMBERS,)), actor="QA1")


@BOOK.of(RefusalCode.CORRECTION_INVALID)
def _effect_beyond_what_may_be_corrected(driver: Driver) -> Answer:
    driver.adopt(correcting_plant())
    broken = structs.replace(CHANNELS, offsets_ratio=(0.9, 0.0, 0.0), levels=(0, 0, 1))
    return signers(driver).submit(structs.replace(RELEASE, effects=(CHAMBERS, broken)), actor="QA1")


@BOOK.of(RefusalCode.SIGNATURE_MISSING)
def _release_by_one_person(driver: Driver) -> Answer:
    driver.adopt(correcting_plant())
    return signers(driver).submit(structs.replace(RELEASE, second_person="QA1"), actor="QA1")
