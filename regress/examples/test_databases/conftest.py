# pytest: one database for the session, clean for every test; that of a failed test is kept.
import os

import psycopg2
import pytest


def connect(name):
    connection = psycopg2.connect(dbname=name)
    connection.autocommit = True
    return connection


def value(connection, sql, *arguments):
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)
        return cursor.fetchone()[0]


@pytest.fixture(scope="session")
def lease():
    home = connect("postgres")  # the lease lasts as long as this connection
    yield {"home": home, "db": None}
    home.close()


def pytest_runtest_makereport(item, call):
    if call.when == "call":
        item.failed = call.excinfo is not None and not call.excinfo.errisinstance(pytest.skip.Exception)


@pytest.fixture
def db(lease, request):
    if lease["db"] is None:
        name = value(lease["home"], "SELECT dbperf.acquire_database(%s)", os.environ.get("TEMPLATE", "app"))
        lease["db"] = connect(name)
    yield lease["db"]
    name = lease["db"].info.dbname
    if request.node.failed:
        lease["db"].close()
        value(lease["home"], "SELECT dbperf.release_database(%s, keep => true)", name)
        lease["db"] = None
        print(f"kept as the test left it: {name}")
    elif (clean := value(lease["db"], "SELECT dbperf.reset_database()")) != name:
        lease["db"].close()  # more than rows was changed
        lease["db"] = connect(clean)
