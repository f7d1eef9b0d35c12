# psycopg 2 and 3 in one suite: which tests are red, and at which line.
import pytest

SHOP = '''
import psycopg2, psycopg

def query(connection, sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return cursor.fetchall() if cursor.description else None

def names(connection):
    found = []
    for (customer,) in query(connection, "SELECT customer_id FROM purchase ORDER BY id"):
        found += query(connection, "SELECT name FROM customer WHERE id = %s", customer)  # the loop
    return found

def names_at_once(connection):
    return query(connection, "SELECT name FROM customer JOIN purchase ON customer_id = customer.id")
'''

SUITE = '''
import asyncio
import pytest, psycopg2, psycopg
import psycopg2.extras
from psycopg2 import sql
import dbperf
from shop import names, names_at_once, query

@pytest.fixture(params=["psycopg2", "psycopg2 autocommit", "psycopg", "psycopg autocommit"])
def connection(request):
    module = psycopg2 if "psycopg2" in request.param else psycopg
    connection = module.connect("dbname={template}")
    connection.autocommit = "autocommit" in request.param
    yield connection
    connection.close()

@pytest.fixture
def crowd(connection):
    names(connection)  # set-up is not judged
    for i in range(30):
        query(connection, "INSERT INTO customer (name) VALUES (%s)", str(i))
    connection.commit()

def test_red(connection):
    names(connection)

def test_green(connection):
    names_at_once(connection)

def test_clean(connection, crowd):
    assert query(connection, "SELECT count(*), max(id) FROM customer") == [(38, 38)]

def test_clean_again(connection):
    assert query(connection, "SELECT count(*) FROM customer") == [(8,)]

def test_paused(connection):
    with dbperf.pause():
        names(connection)

def test_red_after_rollback(connection):
    query(connection, "SELECT 1")
    connection.rollback()
    names(connection)

def test_red_after_savepoint(connection):
    connection.autocommit = False
    query(connection, "SAVEPOINT a")
    query(connection, "SELECT 1")
    query(connection, "ROLLBACK TO SAVEPOINT a")
    names(connection)

def test_red_after_error(connection):
    for _ in range(2):
        with pytest.raises(Exception):
            query(connection, "SELECT 1 / 0")
        connection.rollback()
    names(connection)

def test_red_with_open_transaction(connection):
    connection.autocommit = False
    query(connection, "UPDATE customer SET name = 'changed'")
    names(connection)

@pytest.mark.dbperf(allow_n_plus_one="eight at most")
def test_allowed(connection):
    names(connection)

@pytest.mark.dbperf(allow_n_plus_one=["customer.id"])
def test_allowed_by_part(connection):
    names(connection)

@pytest.mark.dbperf(allow_n_plus_one=["basket.id"])
def test_red_other_part(connection):
    names(connection)

@pytest.mark.dbperf(allow_n_plus_one="not any more")
def test_needless(connection):
    names_at_once(connection)

@pytest.mark.dbperf(max_statements=2)
def test_few(connection):
    names_at_once(connection)
    names_at_once(connection)

@pytest.mark.dbperf(max_statements=2)
def test_red_many(connection):
    for i in range(3):
        names_at_once(connection)

def test_red_block(connection):
    names_at_once(connection)
    with dbperf.check("a block", max_statements=1):
        names_at_once(connection)
        names_at_once(connection)

def test_block_raises(connection):
    with pytest.raises(AssertionError, match="shop.py:11: N.1: 8 executions"):
        with dbperf.check("a block"):
            names(connection)

def test_fails_itself(connection):
    names(connection)
    assert False, "its own failure"

def test_unit(connection):
    with pytest.raises(AssertionError, match=r"in         GET /it's \\\\#1\\Z"):
        with dbperf.check("GET /it's \\\\#1"):
            names(connection)

def test_schema(connection):
    query(connection, "CREATE TABLE more (a int)")
    connection.commit()

def test_after_schema(connection):
    assert query(connection, "SELECT to_regclass('more')") == [(None,)]

@pytest.mark.parametrize("text", ["SELECT 'a -- b', %s", "SELECT '/* no */', %s", "SELECT %s -- last", "SELECT %s;  ", "SELECT '100 %%', %s",
                                  "SELECT %s /*controller='orders',route='%%2Forders'*/"])
def test_texts(connection, text):
    assert query(connection, text, 7)[0][-1] == 7

@pytest.mark.parametrize("name", ["plain", "with 'quotes'", "back\\\\slash", "*/ comment /*", "a; SET b; --", "percent %s %%", "ünï", "x" * 300, "new\\nline"])
def test_names(name):
    connection = psycopg2.connect(dbname="{template}")
    names_at_once(connection)
    connection.close()

def test_red_commented():
    connection = psycopg2.connect(dbname="{template}", application_name="app")
    for (customer,) in query(connection, "SELECT customer_id FROM purchase /*controller='orders'*/"):
        query(connection, "SELECT note FROM purchase WHERE id = %s /*action='it%%27s',controller='orders'*/", customer)

def test_kinds_of_cursors():
    connection = psycopg2.connect("postgresql:///{template}", cursor_factory=psycopg2.extras.RealDictCursor)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT {} FROM customer WHERE id = %(id)s").format(sql.Identifier("name")), {"id": 1})
        assert cursor.fetchone() == {"name": "customer 1"}
        cursor.executemany("UPDATE customer SET name = %s || '%%' WHERE id = %s", [("a", 1)])
        psycopg2.extras.execute_values(cursor, "INSERT INTO customer (name) VALUES %s", [("x",), ("y",)])
    with connection.cursor("named", cursor_factory=psycopg2.extras.DictCursor) as cursor:
        cursor.execute("SELECT id, name FROM customer WHERE id < %s", (3,))
        assert len(cursor.fetchall()) == 2
    connection.close()
    with psycopg.connect("dbname={template}", row_factory=psycopg.rows.dict_row) as connection:
        assert connection.execute("SELECT name FROM customer WHERE id = %(id)s", {"id": 2}).fetchone() == {"name": "customer 2"}
        with connection.cursor() as cursor:
            cursor.executemany("UPDATE customer SET name = %s || '%%' WHERE id = %s", [("a", 1), ("b", 2)])
        with connection.cursor("named") as cursor:
            cursor.execute("SELECT id FROM customer")
            assert len(cursor.fetchall()) == 8

def test_red_pipeline():
    with psycopg.connect("dbname={template}") as connection, connection.pipeline():
        customers = connection.execute("SELECT customer_id FROM purchase ORDER BY id").fetchall()
        for (customer,) in customers:
            connection.execute("SELECT name FROM customer WHERE id = %s", (customer,))

def test_red_async():
    async def body():
        async with await psycopg.AsyncConnection.connect("dbname={template}") as connection:
            rows = await (await connection.execute("SELECT customer_id FROM purchase ORDER BY id")).fetchall()
            for (customer,) in rows:
                await connection.execute("SELECT name FROM customer WHERE id = %s", (customer,))
    asyncio.run(body())

def test_red_psycopg_transaction():
    with psycopg.connect("dbname={template}", autocommit=True) as connection:
        with connection.transaction():
            with pytest.raises(ZeroDivisionError), connection.transaction():
                connection.execute("SELECT 1")
                1 / 0
            names(connection)

def test_other_database():
    for module in (psycopg2, psycopg):
        connection = module.connect("dbname=postgres")
        assert query(connection, "SELECT current_setting('dbperf.scope'), current_database()") == [("", "postgres")]
        connection.close()

def test_prepared_stays_prepared():
    with psycopg.connect("dbname={template}") as connection:
        for i in range(1, 8):
            with dbperf.pause() if i == 0 else dbperf.unit("u"):
                connection.execute("SELECT name, 1 FROM customer WHERE id < %s", (i,))
        assert connection.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%name, 1%' AND statement NOT LIKE '%pg_prep%'").fetchone() == (1,)

class TestCase(__import__("unittest").TestCase):
    def setUp(self):
        self.connection = psycopg2.connect("dbname={template}")
        names(self.connection)

    def tearDown(self):
        names(self.connection)
        self.connection.close()

    def test_red_case(self):
        names(self.connection)

    def test_green_case(self):
        names_at_once(self.connection)
'''


def outcomes(result):
    return {line.split("::", 1)[1].split(" ")[0].removeprefix("TestCase::"): line for line in result.outlines if line.startswith(("FAILED", "ERROR"))}


def test_everything(suite):
    result = suite("-rfE", shop=SHOP, test_shop=SUITE)
    bad = outcomes(result)
    expected = {name for name in bad if "_red" in name or name.startswith("test_fails_itself")}
    assert set(bad) == expected, result.stdout.str()[-6000:]
    text = result.stdout.str()
    # Of each kind, all four connections.
    for name in ("red", "red_after_rollback", "red_after_savepoint", "red_after_error", "red_with_open_transaction", "red_other_part", "red_many", "red_block"):
        assert sum(line.startswith(f"test_{name}[") for line in bad) == 4, (name, text[-6000:])
    for name in ("red_commented", "red_pipeline", "red_async", "red_psycopg_transaction", "red_case"):
        assert f"test_{name}" in bad, (name, text[-6000:])
    assert "shop.py:11: N+1: 8 executions of one statement, 8 different keys" in text
    assert "key        purchase.customer_id -> customer.id" in text
    assert "in         test_shop.py::test_red[psycopg autocommit]" in text
    assert "test_shop.py: 4 warnings" in text or text.count("allow_n_plus_one of @pytest.mark.dbperf is not needed any more") >= 1
    assert "3 statements, at most 2 are allowed" in text
    assert "its own failure" in text and "Captured dbperf call" in text


def test_two_suites_with_workers(suite, pytester):
    import subprocess, sys

    result = suite("-n", "4", "-k", "clean or red_case or schema", shop=SHOP, test_shop=SUITE)
    result.assert_outcomes(failed=1, passed=16)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "clean"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    for one in both:
        output = one.communicate()[0].decode()
        assert one.returncode == 0, output


def test_killed_in_the_middle(suite, pytester):
    import subprocess, sys

    text = SUITE.split("@pytest.fixture(params")[0] + '''
import os, signal
def test_kill():
    connection = psycopg2.connect("dbname={template}")
    query(connection, "DELETE FROM purchase")
    connection.commit()
    if os.environ.get("KILL"):
        os.kill(os.getpid(), signal.SIGKILL)
def test_rest():
    assert query(psycopg2.connect("dbname={template}"), "SELECT count(*) FROM purchase") == [(8,)]
'''
    suite("--co", shop=SHOP, test_shop=text)
    import os

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    assert subprocess.run(command, env={**os.environ, "KILL": "1"}, stdout=subprocess.DEVNULL).returncode == -9
    assert subprocess.run(command, stdout=subprocess.DEVNULL).returncode == 0
