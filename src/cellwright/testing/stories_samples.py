"""Stories of samples that are due, failed or recorded wrongly, and the tiny plant whose winding is sampled."""

from collections.abc import Sequence

from msgspec import structs

from cellwright.model.answers import Answer, RefusalCode
from cellwright.model.plant import Plant
from cellwright.model.quantities import Characteristic
from cellwright.model.sample_commands import RecordSample
from cellwright.model.sampling import SamplePlan
from cellwright.testing.flow import Driver
from cellwright.testing.plants import small_plant
from cellwright.testing.provocation import Book

BOOK = Book()
PLAN = SamplePlan(
    operation="wind",
    name="Pull a tab",
    characteristic=Characteristic(code="pull_n", unit="N", lower=60.0, upper=200.0),
    coupon_count=2,
    every_count=4,
    every_s=3600,
    grace_count=2,
    tools=("cutter",),
    good_modes=("nugget_torn",),
    bad_modes=("interface_parted",),
)


def sampled_plant(plan: SamplePlan = PLAN) -> Plant:
    """Return the tiny plant where tabs are pulled by a plan."""
    return structs.replace(small_plant(), samples={plan.operation: plan})


def pulled(
    *values: float | None, modes: Sequence[str] = ("nugget_torn", "nugget_torn"), units: Sequence[str] = ()
) -> RecordSample:
    """Return the result of a sample at the winder."""
    return RecordSample(station="WIND-01", values=values, modes=tuple(modes), units=tuple(units))


def _begun(driver: Driver) -> None:
    driver.adopt(sampled_plant())
    driver.supply()


@BOOK.of(RefusalCode.SAMPLE_OVERDUE)
def _a_winder_that_winds_on_without_its_first_sample(driver: Driver) -> Answer:
    _begun(driver)
    driver.wind(2)
    return driver.submit(driver.ask("WIND-01", count=1))


@BOOK.of(RefusalCode.SAMPLE_OVERDUE)
def _more_cells_than_the_plan_lets_wait_for_a_sample(driver: Driver) -> Answer:
    _begun(driver)
    driver.must(pulled(80.0, 81.0))
    return driver.submit(driver.ask("WIND-01", count=7))


@BOOK.of(RefusalCode.SAMPLE_FAILED)
def _a_winder_whose_tab_parted_at_the_interface(driver: Driver) -> Answer:
    _begun(driver)
    driver.wind(1)
    driver.must(pulled(80.0, 81.0, modes=("nugget_torn", "interface_parted")))
    return driver.submit(driver.ask("WIND-01", count=1))


@BOOK.of(RefusalCode.SAMPLE_INVALID)
def _one_value_for_a_sample_of_two(driver: Driver) -> Answer:
    _begun(driver)
    return driver.submit(pulled(80.0))


@BOOK.of(RefusalCode.SAMPLE_INVALID)
def _a_way_to_fail_that_the_plan_does_not_name(driver: Driver) -> Answer:
    _begun(driver)
    return driver.submit(pulled(80.0, 81.0, modes=("nugget_torn", "fell_off")))


@BOOK.of(RefusalCode.SAMPLE_INVALID)
def _a_sample_of_an_operation_without_a_plan(driver: Driver) -> Answer:
    _begun(driver)
    return driver.submit(RecordSample(station="ASM-01", values=(1.0,)))


@BOOK.of(RefusalCode.SAMPLE_INVALID)
def _a_sample_of_something_else(driver: Driver) -> Answer:
    _begun(driver)
    return driver.submit(structs.replace(pulled(80.0, 81.0), characteristic="peel_n"))
