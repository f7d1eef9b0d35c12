# What the tests of an application may do; the order in which they run does not matter.
import psycopg2
import pytest

from conftest import value


@pytest.mark.parametrize("round", range(3))
def test_rows(db, round):
    assert value(db, "INSERT INTO item (name) VALUES ('new') RETURNING id") == 4
    assert value(db, "SELECT count(*) FROM item") == 4


@pytest.mark.parametrize("round", range(2))
def test_schema(db, round):
    with db.cursor() as cursor:
        cursor.execute("CREATE TABLE more (a int)")
    assert value(db, "SELECT count(*) FROM item") == 3


def test_error(db):
    with pytest.raises(psycopg2.errors.UniqueViolation):
        value(db, "INSERT INTO item (id) VALUES (1) RETURNING id")


@pytest.mark.xfail(strict=True, reason="its database is kept")
def test_failure(db):
    assert value(db, "INSERT INTO item (name) VALUES ('clue') RETURNING id") == 0


def test_after_a_failure(db):
    assert value(db, "SELECT count(*) FROM item") == 3
