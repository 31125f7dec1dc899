"""Work orders: units are made for the oldest one that still wants some, and its progress is what became of them."""

from collections.abc import AsyncIterator, Sequence

import pytest

from cellwright.database.pool import Connection, connect
from cellwright.model.commands import CloseOrder, Disposition, DispositionAction, ReleaseOrder
from cellwright.plant.check import check, rebuild
from cellwright.testing.flow import results
from cellwright.testing.replay import RecordingDriver, through_gate
from cellwright.views.orders import (
    CodeRange,
    OrderProgress,
    OrderUnits,
    order_of,
    read_order,
    read_order_units,
    read_orders,
)
from cellwright.views.people import catch_up
from cellwright.views.subjects import find_code


class Told:
    """A story done in memory, and then by a gate on a database that is followed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.driver = RecordingDriver()
        self.driver.supply()
        self.connection: Connection

    async def told(self) -> Connection:
        await through_gate(self._url, self.driver)
        self.connection = await connect(self._url)
        await catch_up(self.connection)
        report = await check(self.connection, self.driver.plant)
        assert report.equal, report
        return self.connection

    def order(self, code: str, quantity: int, product: str = "cell", **fields: int) -> None:
        self.driver.must(ReleaseOrder(order=code, product=product, quantity=quantity, **fields), actor="PLAN-1")

    async def counts(self) -> dict[str, tuple[int, int, int, int]]:
        """Started, in process, good, scrapped by order; "" = made for none."""
        seen = await read_orders(self.connection, self.driver.now_us)
        found = {each.order: each.progress for each in seen.orders}
        found.update([("", each) for each in seen.unattributed if each.product == "cell"])
        return {code: numbers(each) for code, each in found.items()}


def numbers(progress: OrderProgress) -> tuple[int, int, int, int]:
    return (progress.started_count, progress.in_process_count, progress.good_count, progress.scrapped_count)


@pytest.fixture
async def story(database_url: str) -> AsyncIterator[Told]:
    told = Told(database_url)
    yield told
    await told.connection.close()


async def test_units_go_to_the_oldest_open_order_of_their_product(story: Told) -> None:
    story.driver.wind(2)
    story.order("WO-M", 5, "module")
    story.order("WO-2", 3)
    story.order("WO-1", 4)
    first = story.driver.wind(2)
    second = story.driver.wind(3)
    third = story.driver.wind(4)
    connection = await story.told()
    assert await story.counts() == {"": (4, 4, 0, 0), "WO-2": (3, 3, 0, 0), "WO-1": (4, 4, 0, 0), "WO-M": (0, 0, 0, 0)}
    units = await read_order_units(connection, "WO-1")
    assert units.ranges == (CodeRange(second[1], third[1], 4),)
    assert (await read_order_units(connection, "WO-2")).ranges == (CodeRange(first[0], second[0], 3),)
    assert [await order_of(connection, (await find_code(connection, code)).number) for code in (*second, third[3])] == [
        "WO-2",
        "WO-1",
        "WO-1",
        "",
    ]
    assert await order_of(connection, 5) == ""


async def test_an_order_of_modules_counts_modules_not_their_cells(story: Told) -> None:
    story.order("WO-M", 2, "module")
    story.order("WO-C", 4)
    module, _ = story.driver.module()
    story.driver.person("P-1", "operator", qualification="hv_work")
    story.driver.work("TEST-01", [module], person="P-1", results=results(voltage_v=[13.2]))
    await story.told()
    assert await story.counts() == {"WO-M": (1, 0, 1, 0), "WO-C": (4, 0, 4, 0)}


async def test_a_scrapped_unit_is_wanted_again(story: Told) -> None:
    story.order("WO-1", 2)
    units = story.driver.wind(2)
    scrap(story, units[:1])
    story.driver.wind(2)
    await story.told()
    assert await story.counts() == {"WO-1": (3, 2, 0, 1), "": (1, 1, 0, 0)}


def scrap(story: Told, units: Sequence[str]) -> None:
    story.driver.must(Disposition(units=tuple(units), action=DispositionAction.SCRAP, reason="dented"))


async def test_what_was_good_and_is_sent_back_or_scrapped_is_good_no_more(story: Told) -> None:
    story.order("WO-1", 3)
    cells = story.driver.graded(3)
    back = Disposition(units=cells[:1], action=DispositionAction.REWORK, operation="grade", reason="doubt")
    story.driver.must(back)
    scrap(story, cells[1:2])
    await story.told()
    assert await story.counts() == {"WO-1": (3, 1, 1, 1)}


async def test_a_closed_order_gets_no_more_units(story: Told) -> None:
    story.order("WO-1", 5)
    story.driver.wind(1)
    story.driver.must(CloseOrder(order="WO-1", reason="withdrawn"), actor="PLAN-2")
    story.driver.wind(1)
    connection = await story.told()
    assert await story.counts() == {"WO-1": (1, 1, 0, 0), "": (1, 1, 0, 0)}
    order = await read_order(connection, "WO-1", story.driver.now_us)
    assert order is not None
    assert (order.is_open, order.closed_us, order.closed_by, order.reason) == (
        False,
        story.driver.now_us,
        "PLAN-2",
        "withdrawn",
    )


async def test_orders_are_listed_with_what_people_ask_of_them(story: Told) -> None:
    due_us = story.driver.now_us + 3_600_000_000
    story.order("WO-1", 2, due_us=due_us)
    story.driver.wait(60)
    story.order("WO-2", 9)
    story.driver.must(CloseOrder(order="WO-2", reason="withdrawn"))
    cells = story.driver.graded(1)
    connection = await story.told()
    now_us = story.driver.now_us
    every = await read_orders(connection, now_us)
    assert [each.order for each in every.orders] == ["WO-2", "WO-1"]
    assert (every.total_count, every.unattributed) == (2, ())
    opened = await read_orders(connection, now_us, is_open=True)
    assert [each.order for each in opened.orders] == ["WO-1"]
    assert opened.total_count == 1
    assert (await read_orders(connection, now_us, is_open=False)).orders == every.orders[:1]
    assert (await read_orders(connection, now_us, limit=1, offset=1)).orders == every.orders[1:]
    order = opened.orders[0]
    assert (order.quantity, order.due_us, order.released_by, order.is_late) == (2, due_us, "PLAN-1", True)
    assert not (await read_orders(connection, due_us - 1, is_open=True)).orders[0].is_late
    assert order.progress.first_us is not None
    assert order.progress.last_us == now_us
    assert cells
    assert every.orders[0].due_us is None
    assert every.orders[0].progress == OrderProgress("cell", 0, 0, 0, 0, None, None)
    assert await read_order(connection, "WO-9", now_us) is None


async def test_many_orders_part_the_units_and_are_paged(story: Told) -> None:
    for number in range(4):
        story.order(f"WO-{number}", 2, product="cell" if number % 2 else "module")
    story.driver.wind(1)
    story.order("WO-9", 1)
    story.driver.wind(6)
    connection = await story.told()
    assert await story.counts() == {
        "WO-0": (0, 0, 0, 0),
        "WO-1": (2, 2, 0, 0),
        "WO-2": (0, 0, 0, 0),
        "WO-3": (2, 2, 0, 0),
        "WO-9": (1, 1, 0, 0),
        "": (2, 2, 0, 0),
    }
    assert (await rebuild(connection, story.driver.plant)).equal
    assert await story.counts() == {f"WO-{number}": (0, 0, 0, 0) for number in (0, 1, 2, 3, 9)}
    await catch_up(connection)
    assert (await story.counts())["WO-3"] == (2, 2, 0, 0)
    whole = await read_order_units(connection, "WO-3")
    assert whole.total_count == len(whole.ranges) == 1
    assert await read_order_units(connection, "WO-3", offset=1) == OrderUnits((), 1)
