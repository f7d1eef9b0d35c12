# pytest: the lease of this process, the phases of a test, marks and messages.
import os

import pytest

from . import drivers, observer, testcase
from .judge import judge
from .lease import Lease, Missing

_lease = None
_missing = None


class DbperfWarning(pytest.PytestWarning):
    """An allowance that nothing needs any more."""


def pytest_addoption(parser):
    group = parser.getgroup("dbperf", "a clean database for every test, and N+1 queries")
    for name, default, what in (
        ("template", "", "database that every test finds a clean copy of; without it dbperf does nothing"),
        ("home", "postgres", "database with the extension, from which copies are leased"),
        ("dsn", "", "libpq connection string of the server; default: the PG* variables"),
        ("missing", "error", "a server without dbperf: error, skip (tests that use the database), ignore (no copies, nothing judged)"),
    ):
        group.addoption(f"--dbperf-{name}", dest=f"dbperf_{name}", default=None, help=what)
        parser.addini(f"dbperf_{name}", what, default=default)


def _option(config, name):
    value = config.getoption(f"dbperf_{name}")
    return config.getini(f"dbperf_{name}") if value is None else value


def pytest_configure(config):
    global _lease, _missing
    config.addinivalue_line(
        "markers",
        "dbperf(max_statements=None, allow_n_plus_one=None): most statements of the test's body; N+1 that it may have: a reason, or a"
        " list of parts of a statement, an edge or a file:line",
    )
    _lease = _missing = None
    template = _option(config, "template")
    how = _option(config, "missing")
    if how not in ("error", "skip", "ignore"):
        raise pytest.UsageError(f"dbperf_missing is {how!r}, not error, skip or ignore")
    if not template:
        return
    observer.root = str(config.rootpath).rstrip("/") + "/"
    lease = Lease(template, _option(config, "home"), _option(config, "dsn"))
    if config.pluginmanager.hasplugin("django") and os.environ.get("DJANGO_SETTINGS_MODULE"):
        from . import django_cases

        django_cases.install(lease)
    try:
        lease.check().close()
    except Missing as missing:
        if how == "error":
            raise pytest.UsageError(f"dbperf: {missing}") from None
        if how == "skip":
            _missing = str(missing)
            config.pluginmanager.register(_Skipping(template), "dbperf-skip")
        return
    _lease = observer.lease = lease
    drivers.install()
    testcase.install(_judge_case)
    config.pluginmanager.register(_AfterTheBody(), "dbperf-judge")


def pytest_report_header(config):
    if _lease:
        return f"dbperf: every test gets a clean copy of {_lease.template}"
    if _missing:
        return f"dbperf: {_missing}"
    return None


def pytest_unconfigure(config):
    global _lease
    if _lease:
        _lease.release()
        _lease = None


class _Skipping:
    # Tests that use the database by no fixture of ours cannot be known: whatever connects to the template is skipped.
    def __init__(self, template):
        self.template = template
        drivers.install()
        observer.lease = self

    def database_for(self, name):
        if name == self.template:
            pytest.skip(f"dbperf: {_missing}")
        return None


@pytest.fixture(scope="session")
def dbperf_lease():
    """The lease of this worker. `name` is that of the copy; it changes when a test changed more than rows."""
    if _missing:
        pytest.skip(f"dbperf: {_missing}")
    if _lease is None:
        pytest.fail("dbperf is switched off: set dbperf_template in pytest.ini", pytrace=False)
    _lease.acquire()
    return _lease


@pytest.fixture
def dbperf_database(dbperf_lease):
    """Name of a database that is a clean copy of the template during this test."""
    dbperf_lease.acquire()
    dbperf_lease.touched = True
    return dbperf_lease.name


def _limits(item):
    limits = {}
    for mark in item.iter_markers("dbperf"):
        unknown = set(mark.kwargs) - {"max_statements", "allow_n_plus_one"}
        if unknown or mark.args:
            raise pytest.UsageError(f"{item.nodeid}: @pytest.mark.dbperf knows max_statements and allow_n_plus_one")
        for name, value in mark.kwargs.items():
            limits.setdefault(name, value)
    return limits


def _judge(item):
    verdict = judge(**_limits(item))
    for what in verdict.unneeded:
        item.warn(DbperfWarning(f"{what} of @pytest.mark.dbperf is not needed any more"))
    return verdict.text


_current = None


def _judge_case(case):
    """The body of a unittest.TestCase is over, its tearDown has not begun."""
    __tracebackhide__ = True
    text = _judge(_current)
    _current._dbperf_judged = True
    if text:
        raise case.failureException("\n" + text)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    global _current
    if _lease is None:
        yield
        return
    _current = item
    item._dbperf_judged = False
    if not testcase.is_case(item):  # of those only the test method is the body
        observer.begin(item.nodeid)
    outcome = yield
    observer.unit_name = observer.PAUSED
    if not item._dbperf_judged and outcome.excinfo and not issubclass(outcome.excinfo[0], pytest.skip.Exception):
        text = _judge(item)
        if text:  # the failure stays what it is
            item.add_report_section("call", "dbperf", text)


class _AfterTheBody:
    # A failed call, so that reruns, xfail and reports treat it as one.
    @pytest.hookimpl(trylast=True)
    def pytest_runtest_call(self, item):
        if _lease is None or item._dbperf_judged:
            return
        observer.unit_name = observer.PAUSED
        text = _judge(item)
        item._dbperf_judged = True
        if text:
            pytest.fail(text, pytrace=False)


@pytest.hookimpl(hookwrapper=True)
def pytest_fixture_setup(fixturedef, request):
    with observer.pause():
        yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item):
    observer.begin(observer.PAUSED)
    yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown(item):
    observer.begin(observer.PAUSED)
    outcome = yield
    if _lease is None or testcase.is_held():
        return
    try:
        _lease.reset()
    except Exception as error:
        if outcome.excinfo is None:
            outcome._result, outcome._excinfo = None, (type(error), error, error.__traceback__)
            outcome._exception = error  # the name from pluggy 1.1 on
