# The leased copy of the template: one a process. Two connections of its own, which the application's transactions never
# touch: `home` holds the lease, `inside` resets the copy and asks what was found.
import importlib.util
import os
import threading

from . import drivers, observer


class Missing(Exception):
    """There is no server with dbperf, or not one that can lend databases. One sentence and a hint."""


class Lease:
    def __init__(self, template, home="postgres", dsn=""):
        self.template = template
        self.home_name = home
        self.dsn = dsn
        self.name = None
        self.touched = False
        self.mark = "-infinity"
        self._pid = None
        self._home = self._inside = None
        self._opening = False
        self._lock = threading.RLock()

    def database_for(self, name):
        """The copy, for who wants the template or a copy that was replaced; None for any other database."""
        if self._opening or name is None or (name != self.template and name not in self._names()):
            return None
        self.acquire()
        return self.name

    def _names(self):
        return self._former if self._pid == os.getpid() else ()

    def acquire(self):
        with self._lock:
            if self._pid == os.getpid() and self._home and not self._home.closed:
                return self.name
            # Of a process that forked, the connections are the parent's.
            self._pid, self._former = os.getpid(), set()
            self._home = self.check()
            try:
                self._take(self._query(self._home, "SELECT dbperf.acquire_database(%s)", self.template)[0][0])
            except Exception as error:
                self._home = None
                raise Missing(f"no copy of {self.template}: {str(error).strip()}") from None
            return self.name

    def _take(self, name):
        self.name = name
        self._former.add(name)
        if self._inside and not self._inside.closed:
            self._inside.close()
        self._inside = self._open(name)
        self.mark = self._query(self._inside, "SELECT clock_timestamp()::text")[0][0]
        observer.lease = self

    def check(self):
        """A connection to a server that can do what is needed; raises Missing otherwise."""
        try:
            home = self._open(self.home_name)
        except Missing:
            raise
        except Exception as error:
            raise Missing(f"cannot connect to database {self.home_name}: {str(error).strip()}") from None
        databases, enabled, version, complete = self._query(
            home,
            "SELECT current_setting('dbperf.max_test_databases', true), current_setting('dbperf.enabled', true),"
            " (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'dbperf'),"
            " pg_catalog.to_regprocedure('dbperf.unit_findings(text, timestamp with time zone)') IS NOT NULL",
        )[0]
        problem = None
        if databases is None:
            problem = "the server has not loaded dbperf (hint: shared_preload_libraries = 'dbperf', then restart)"
        elif version is None:
            problem = f"database {self.home_name} has no extension dbperf (hint: CREATE EXTENSION dbperf)"
        elif not complete:
            problem = f"dbperf {version} in database {self.home_name} is too old (hint: ALTER EXTENSION dbperf UPDATE)"
        elif int(databases) == 0:
            problem = "test databases are switched off (hint: dbperf.max_test_databases is 0)"
        elif enabled != "on":
            problem = "the server observes nothing (hint: dbperf.enabled is off)"
        if problem:
            home.close()
            raise Missing(problem)
        return home

    def ask(self, units):
        """Findings of these units since the copy was clean, as dictionaries, worst first."""
        if not units or self._inside is None:
            return []
        names = ("unit", "kind", "confidence", "calls", "keys", "query", "key_column", "parent_query", "parent_relation",
                 "parent_column", "call_site", "suggestion")
        rows = self._query(
            self._inside,
            "SELECT u, f.kind, f.confidence, f.calls, f.distinct_keys, f.query, f.key_column, f.parent_query,"
            " f.parent_relation, f.parent_column, f.call_site, f.suggestion"
            " FROM pg_catalog.unnest(%s::text[]) u, dbperf.unit_findings(u, %s::timestamptz) f ORDER BY f.calls DESC",
            list(units),
            self.mark,
        )
        return [dict(zip(names, row)) for row in rows]

    def reset(self):
        """Makes the copy clean, unless nobody was in it. Open transactions of the application are rolled back."""
        if not self.touched or self._pid != os.getpid():
            return
        self.touched = False
        for connection in list(drivers.connections):
            if not connection.closed and connection.info.transaction_status not in (0, 1):
                connection.rollback()
        name, self.mark = self._query(self._inside, "SELECT dbperf.reset_database(), clock_timestamp()::text")[0]
        if name != self.name:  # more than rows was changed
            drivers.close_all()
            self._take(name)

    def release(self):
        if self._pid == os.getpid():
            for connection in (self._inside, self._home):
                if connection and not connection.closed:
                    connection.close()
        self._home = self._inside = self._pid = None
        observer.lease = None

    def _open(self, name):
        drivers.install()
        self._opening = True
        try:
            if importlib.util.find_spec("psycopg2"):
                import psycopg2

                connection = psycopg2.connect(self.dsn, dbname=name, options="-c dbperf.n_plus_one=off", application_name="dbperf tests")
            elif importlib.util.find_spec("psycopg"):
                import psycopg

                connection = psycopg.connect(self.dsn, dbname=name, options="-c dbperf.n_plus_one=off", application_name="dbperf tests")
                connection._dbperf_observed = False
            else:
                raise Missing("neither psycopg2 nor psycopg is installed")
            connection.autocommit = True
            return connection
        finally:
            self._opening = False

    @staticmethod
    def _query(connection, sql, *values):
        with connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall()
