import pytest

from shop import orders


def test_list():
    assert len(orders.order_list()) == 12
    assert orders.order_list()[0][:2] == (12, "customer 12")


@pytest.mark.dbperf(max_statements=2)
def test_place():
    assert orders.place_order(1, {"tea": 300, "cup": 900}) == 13


def test_place_again():
    """The database is clean: numbers begin where they began."""
    assert orders.place_order(2, {"tea": 300}) == 13
    assert len(orders.order_list()) == 13
