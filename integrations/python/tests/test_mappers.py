# SQLAlchemy, Django by pytest-django and by manage.py: their own words, requests as units, transactions around tests.
import os
import subprocess
import sys

ALCHEMY = '''
import pytest
from sqlalchemy import Column, ForeignKey, Integer, Text, create_engine, text
from sqlalchemy.orm import Session, declarative_base, joinedload, relationship

Base = declarative_base()

class Customer(Base):
    __tablename__ = "customer"
    id = Column(Integer, primary_key=True)
    name = Column(Text)
    purchases = relationship("Purchase", back_populates="customer")

class Purchase(Base):
    __tablename__ = "purchase"
    id = Column(Integer, primary_key=True)
    customer_id = Column(ForeignKey("customer.id"))
    customer = relationship("Customer", back_populates="purchases")

engine = create_engine("postgresql+psycopg2:///{template}")

def test_red_parent():
    with Session(engine) as session:
        assert [purchase.customer.name for purchase in session.query(Purchase)]

def test_red_children():
    with Session(engine) as session:
        assert [customer.purchases for customer in session.query(Customer)]

def test_green():
    with Session(engine) as session:
        assert [purchase.customer.name for purchase in session.query(Purchase).options(joinedload(Purchase.customer))]

def test_rows():
    with Session(engine) as session:
        session.add(Customer(name="new", purchases=[Purchase(), Purchase()]))
        session.commit()
        with session.begin_nested():
            session.add(Customer(name="newer"))

@pytest.mark.parametrize("turn", (1, 2))
def test_copy_is_replaced(turn):
    with engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM customer")).scalar() == 8
        connection.execute(text("ALTER TABLE customer ADD more int"))
'''


def test_sqlalchemy(suite):
    result = suite("-rf", test_alchemy=ALCHEMY)
    result.assert_outcomes(failed=2, passed=4)
    result.stdout.fnmatch_lines(
        [
            "test_alchemy.py:23: N+1: 8 executions of one statement, 8 different keys",
            "  instead    .options(joinedload(Purchase.customer))",
            "test_alchemy.py:27: N+1: 8 executions of one statement, 8 different keys",
            "  key        customer.id -> purchase.customer_id",
            "  instead    .options(selectinload(Customer.purchases))",
            "FAILED test_alchemy.py::test_red_parent*",
            "FAILED test_alchemy.py::test_red_children*",
        ]
    )


SETTINGS = '''
import os
SECRET_KEY = "x"
INSTALLED_APPS = ["shop"]
ROOT_URLCONF = "shop.urls"
ALLOWED_HOSTS = ["*"]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "{template}", "HOST": os.environ.get("PGHOST", ""),
                         "PORT": os.environ.get("PGPORT", ""), "USER": os.environ.get("PGUSER", "")}}
TEST_RUNNER = "dbperf.django_cases.Runner"
'''

MODELS = '''
from django.db import models

class Customer(models.Model):
    name = models.TextField()
    class Meta:
        managed = False
        db_table = "customer"

class Purchase(models.Model):
    customer = models.ForeignKey(Customer, models.CASCADE, null=True)
    class Meta:
        managed = False
        db_table = "purchase"
'''

URLS = '''
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path
from shop.models import Customer, Purchase

def purchases(request):
    return HttpResponse(", ".join(purchase.customer.name for purchase in Purchase.objects.all()))

def customers(request, number):
    return HttpResponse(str([customer.purchase_set.count() for customer in Customer.objects.all()]))

def good(request):
    return HttpResponse(", ".join(purchase.customer.name for purchase in Purchase.objects.select_related("customer")))

urlpatterns = [path("purchases", purchases), path("good", good), path("customers/<int:number>", customers)]
'''

CASES = '''
from django.db import IntegrityError, transaction
from django.test import TestCase, TransactionTestCase
from shop.models import Customer, Purchase

def touch_each():
    return [purchase.customer.name for purchase in Purchase.objects.all()]

class Cases(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.extra = Customer.objects.create(name="extra")
        touch_each()

    def setUp(self):
        touch_each()

    def test_a_red_request(self):
        self.client.get("/purchases")

    def test_b_green(self):
        assert Customer.objects.count() == 9
        self.client.get("/good")

    def test_c_red_body(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            Customer.objects.create(name=None)
        touch_each()

    def test_d_red_many_requests(self):
        for number in (1, 2):
            self.client.get(f"/customers/{number}")

class Committed(TransactionTestCase):
    def test_a(self):
        assert Customer.objects.create(name="new").id == 9
        assert Customer.objects.count() == 9

    def test_b(self):
        assert Customer.objects.create(name="new").id == 9
        assert Customer.objects.count() == 9

    def test_red(self):
        self.client.get("/purchases")
'''

FUNCTIONS = '''
import pytest
from shop.models import Customer, Purchase

@pytest.fixture
def many(db):
    Customer.objects.bulk_create(Customer(name=str(i)) for i in range(20))
    return [purchase.customer.name for purchase in Purchase.objects.all()]

def test_red_function(client, many):
    client.get("/purchases")

@pytest.mark.dbperf(max_statements=1)
def test_green_function(client, many):
    client.get("/good")

@pytest.mark.django_db(transaction=True)
def test_commit():
    Customer.objects.create(name="x")

def test_after_commit(db):
    assert Customer.objects.count() == 8
'''


def project(pytester):
    pytester.mkpydir("shop")
    for name, text in (("settings", SETTINGS), ("shop/models", MODELS), ("shop/urls", URLS), ("test_cases", CASES), ("test_functions", FUNCTIONS)):
        (pytester.path / f"{name}.py").write_text(text.replace("{template}", "adapter_python"))
    (pytester.path / "manage.py").write_text("import sys\nfrom django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n")


def test_pytest_django(suite, pytester):
    project(pytester)
    result = suite("-rf", "-n", "4", ini="DJANGO_SETTINGS_MODULE = settings")
    result.assert_outcomes(failed=5, passed=6)
    text = result.stdout.str()
    for name in ("Cases::test_a_red_request", "Cases::test_c_red_body", "Cases::test_d_red_many_requests", "Committed::test_red", "test_red_function"):
        assert f"::{name}" in text.split("short test summary")[1], text
    assert "shop/urls.py:7: N+1: 8 executions of one statement, 8 different keys" in text
    assert "shop/urls.py:10: N+1: 9 executions of one statement, 9 different keys" in text
    assert "test_cases.py:7: N+1: 8 executions of one statement, 8 different keys" in text
    assert 'instead    Purchase.objects.select_related("customer")' in text
    assert 'instead    Customer.objects.prefetch_related("purchase_set")' in text
    assert "in         GET /purchases" in text and "in         GET /customers/2" in text


def test_manage_py(pytester):
    project(pytester)
    run = subprocess.run([sys.executable, "manage.py", "test"], cwd=pytester.path, env={**os.environ, "DJANGO_SETTINGS_MODULE": "settings"}, stderr=subprocess.PIPE, text=True)
    assert "Ran 7 tests" in run.stderr and "FAILED (failures=4)" in run.stderr, run.stderr
    for name in ("test_a_red_request", "test_c_red_body", "test_d_red_many_requests", "test_red"):
        assert f"FAIL: {name} " in run.stderr, run.stderr
    assert "shop/urls.py:7: N+1: 8 executions" in run.stderr


def test_wrong_servers(suite, pytester):
    text = "import psycopg2\ndef test_database(): psycopg2.connect('dbname={template}')\ndef test_none(): pass\n"
    result = suite("--dbperf-home=template1", test_one=text)
    assert result.ret == 4 and "dbperf: database template1 has no extension dbperf" in result.stderr.str()
    assert len(result.stderr.str().splitlines()) <= 2, result.stderr.str()
    suite("--dbperf-home=template1", "--dbperf-missing=skip", test_one=text).assert_outcomes(skipped=1, passed=1)
    result = suite("--dbperf-template=no_such_template", test_one=text.replace("{template}", "no_such_template"))
    assert "no copy of no_such_template" in result.stdout.str()
    suite("--dbperf-template=", "--dbperf-dsn=host=/nowhere", test_one=text).assert_outcomes(passed=2)
