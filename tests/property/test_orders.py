from hypothesis import given
from hypothesis import strategies as st

from cellwright.rules.orders import Want, attribute

PRODUCTS = ("cell", "module")
wants = st.lists(
    st.builds(
        lambda product, quantity, started, scrapped: (product, quantity, started, min(scrapped, started)),
        st.sampled_from(PRODUCTS),
        st.integers(1, 20),
        st.integers(0, 25),
        st.integers(0, 25),
    ),
    max_size=6,
).map(lambda rows: [Want(f"WO-{number}", *row) for number, row in enumerate(rows)])


@given(wants, st.sampled_from(PRODUCTS), st.integers(1, 1000), st.integers(1, 60))
def test_every_unit_goes_to_one_order_or_to_none(open_wants: list[Want], product: str, first: int, count: int) -> None:
    parts = list(attribute(open_wants, product, id_from=first, count=count))
    units = [unit for _, id_from, id_to in parts for unit in range(id_from, id_to)]
    assert units == list(range(first, first + count))
    assert all(id_from < id_to for _, id_from, id_to in parts)


@given(wants, st.sampled_from(PRODUCTS), st.integers(1, 60))
def test_orders_get_what_they_want_the_oldest_first(open_wants: list[Want], product: str, count: int) -> None:
    before = {want.order: want.wanted_count for want in open_wants if want.product == product}
    parts = list(attribute(open_wants, product, id_from=1, count=count))
    got = {order: id_to - id_from for order, id_from, id_to in parts}
    left = count
    for order, wanted in before.items():
        assert got.get(order, 0) == min(wanted, left)
        left -= got.get(order, 0)
    assert got.get("", 0) == left
    assert set(got) <= {*before, ""}


@given(wants, st.lists(st.tuples(st.sampled_from(PRODUCTS), st.integers(1, 9)), max_size=8))
def test_parting_a_page_changes_nothing(open_wants: list[Want], pages: list[tuple[str, int]]) -> None:
    copies = [
        Want(each.order, each.product, each.quantity, each.started_count, each.scrapped_count) for each in open_wants
    ]
    first = 1
    for product, count in pages:
        whole = [
            (order, unit)
            for order, a, b in attribute(open_wants, product, id_from=first, count=count)
            for unit in range(a, b)
        ]
        single = [
            (order, unit)
            for unit in range(first, first + count)
            for order, _, _ in attribute(copies, product, id_from=unit, count=1)
        ]
        assert whole == single
        first += count
    assert copies == open_wants
