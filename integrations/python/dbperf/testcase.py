# unittest: setUp and tearDown are no part of a test's body, and a finding is a failure of the body.
import functools
import sys
import unittest

from . import observer

__unittest = True  # no part of tracebacks
_judge = None
_installed = False


def install(judge_case):
    global _judge, _installed
    _judge = judge_case
    if _installed:
        return
    _installed = True
    for cls in (unittest.TestCase, unittest.IsolatedAsyncioTestCase):
        if "_callTestMethod" in cls.__dict__:
            _wrap(cls)


def _wrap(cls):
    original = cls._callTestMethod

    @functools.wraps(original)
    def call(self, method):
        __tracebackhide__ = True
        if observer.lease is None:
            return original(self, method)
        observer.begin(self.id())
        try:
            result = original(self, method)
        finally:
            observer.unit_name = observer.PAUSED
        _judge(self)
        return result

    cls._callTestMethod = call


def is_case(item):
    instance = getattr(item, "cls", None)
    return isinstance(instance, type) and issubclass(instance, unittest.TestCase)


def is_held():
    """The framework holds a transaction open around the tests of a class, and rolls them back itself."""
    conf, db = sys.modules.get("django.conf"), sys.modules.get("django.db")
    return bool(db and conf.settings.configured) and any(connection.connection is not None and connection.in_atomic_block for connection in db.connections.all())
