# Django: its test database is the leased copy, each request of the test client is a unit, and nothing is flushed.
# `TEST_RUNNER = "dbperf.django_cases.Runner"` for manage.py test.
import atexit

from . import drivers, observer, testcase

__unittest = True  # no part of tracebacks
_lease = None
_requests = []  # the units around the requests that are open


def install(lease):
    global _lease
    first, _lease = _lease is None, lease
    if not first:
        return
    from django.core.signals import request_finished, request_started
    from django.test import testcases, utils

    request_started.connect(_request_begins, weak=False)
    request_finished.connect(_request_ends, weak=False)

    set_up, tear_down = utils.setup_databases, utils.teardown_databases

    def setup_databases(*arguments, **named):
        if observer.lease is None:
            return set_up(*arguments, **named)
        from django.core.exceptions import ImproperlyConfigured
        from django.db import connections

        name = connections["default"].settings_dict["NAME"]
        if _lease.template != str(name):
            raise ImproperlyConfigured(f"DATABASES['default']['NAME'] is {name!r}, and dbperf's template is {_lease.template!r}")
        use_settings()
        _lease.acquire()
        return []

    utils.setup_databases = setup_databases
    utils.teardown_databases = lambda old, *arguments, **named: tear_down(old, *arguments, **named) if old else None

    flush = testcases.TransactionTestCase._fixture_teardown

    def fixture_teardown(self):
        # The copy is put back after the test; TRUNCATE would replace it.
        if observer.lease is None:
            flush(self)

    testcases.TransactionTestCase._fixture_teardown = fixture_teardown


def use_settings():
    """Where the server is, if nobody said it."""
    from django.db import connections

    settings = connections["default"].settings_dict
    if not _lease.dsn:
        pairs = (("host", "HOST"), ("port", "PORT"), ("user", "USER"), ("password", "PASSWORD"))
        _lease.dsn = " ".join(
            "{}='{}'".format(name, str(settings[key]).replace("\\", "\\\\").replace("'", "\\'")) for name, key in pairs if settings.get(key)
        )


def _request_begins(sender, environ=None, scope=None, **named):
    if environ:
        name = f"{environ.get('REQUEST_METHOD', '')} {environ.get('PATH_INFO', '')}"
    else:
        name = f"{(scope or {}).get('method', '')} {(scope or {}).get('path', '')}"
    around = observer.unit(name.strip() or "request")
    around.__enter__()
    _requests.append(around)


def _request_ends(sender, **named):
    if _requests:
        _requests.pop().__exit__(None, None, None)


def limits(max_statements=None, allow_n_plus_one=None):
    """For manage.py test, what @pytest.mark.dbperf is for pytest: a decorator of a test or a test case."""

    def decorate(what):
        what._dbperf_limits = {"max_statements": max_statements, "allow_n_plus_one": allow_n_plus_one}
        return what

    return decorate


def _judge_case(case):
    import warnings

    from .judge import judge

    method = getattr(case, case._testMethodName)
    verdict = judge(**getattr(method, "_dbperf_limits", getattr(case, "_dbperf_limits", {})))
    for what in verdict.unneeded:
        warnings.warn(f"{case.id()}: {what} is not needed any more", stacklevel=2)
    if verdict.text:
        raise case.failureException("\n" + verdict.text)


def _runner():
    from django.conf import settings
    from django.test.runner import DiscoverRunner
    from django.test import SimpleTestCase

    from .lease import Lease, Missing

    class Runner(DiscoverRunner):
        """A DiscoverRunner whose database is a leased copy of the one that the settings name."""

        def setup_databases(self, **named):
            import os

            from django.test import utils

            options = getattr(settings, "DBPERF", {})
            template = str(settings.DATABASES["default"]["NAME"])
            lease = Lease(template, options.get("home", "postgres"), options.get("dsn", ""))
            install(lease)
            use_settings()
            try:
                lease.check().close()
            except Missing as missing:
                raise SystemExit(f"dbperf: {missing}") from None
            observer.lease = lease
            observer.root = os.getcwd() + "/"
            drivers.install()
            testcase.install(_judge_case)
            atexit.register(lease.release)
            self.parallel = 1
            return utils.setup_databases()

        def teardown_databases(self, old, **named):
            from django.db import connections

            connections.close_all()
            _lease.release()

    call = SimpleTestCase.__call__

    def reset():
        if observer.lease is not None and not testcase.is_held():
            observer.lease.reset()

    def and_reset(self, result=None):
        reset()  # what a class before rolled back has moved sequences
        call(self, result)
        reset()

    SimpleTestCase.__call__ = and_reset
    return Runner


def __getattr__(name):
    if name != "Runner":
        raise AttributeError(name)
    globals()["Runner"] = _runner()
    return globals()["Runner"]
