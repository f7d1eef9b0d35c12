# These tests need a server with dbperf (the PG* variables) and may make databases in it.
import subprocess

import pytest

pytest_plugins = "pytester"

TEMPLATE = "adapter_python"
SHOP = """
CREATE TABLE customer (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
CREATE TABLE purchase (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id int NOT NULL REFERENCES customer, note text);
INSERT INTO customer (name) SELECT 'customer ' || i FROM generate_series(1, 8) i;
INSERT INTO purchase (customer_id) SELECT i FROM generate_series(1, 8) i;
"""


def psql(database, script):
    subprocess.run(["psql", "-qXv", "ON_ERROR_STOP=1", "-d", database], input=script, text=True, check=True)


@pytest.fixture(scope="session", autouse=True)
def template():
    psql("postgres", f"SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS dbperf; DROP DATABASE IF EXISTS {TEMPLATE}; CREATE DATABASE {TEMPLATE};")
    psql(TEMPLATE, SHOP)


@pytest.fixture
def suite(pytester):
    """Runs pytest on the files that are given; returns its result."""

    def run(*arguments, template=TEMPLATE, ini="", **files):
        pytester.makeini(f"[pytest]\ndbperf_template = {template}\npythonpath = .\n{ini}\n")
        if files:
            pytester.makepyfile(**{name: text.replace("{template}", TEMPLATE) for name, text in files.items()})
        without = () if ini else ("-p", "no:django", "-p", "no:asyncio")
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", *without, *arguments)

    return run
