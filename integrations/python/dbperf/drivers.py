# psycopg2 and psycopg: connections to the template go to its leased copy, and what is executed there is observed. SQLAlchemy
# and Django use these drivers. Other databases see nothing of it.
import importlib.util
import sys
import weakref

from . import observer

connections = weakref.WeakSet()  # those of the leased copy
_installed = set()


def install():
    if "psycopg2" not in _installed and importlib.util.find_spec("psycopg2"):
        _installed.add("psycopg2")
        _install_psycopg2()
    if "psycopg" not in _installed and importlib.util.find_spec("psycopg"):
        _installed.add("psycopg")
        _install_psycopg()
    if "sqlalchemy" not in _installed and "sqlalchemy" in sys.modules:
        _installed.add("sqlalchemy")
        _install_sqlalchemy_pool()


def close_all():
    """After the copy was replaced; pools and frameworks connect anew."""
    for connection in list(connections):
        connection.close()
        connections.discard(connection)


# --- psycopg2 -----------------------------------------------------------------------------------------------------------


def _install_psycopg2():
    import psycopg2
    import psycopg2.extensions as ext

    classes = {}

    def observing(base, mixin):
        if issubclass(base, mixin):
            return base
        if base not in classes:
            classes[base] = type(base.__name__, (mixin, base), {})
        return classes[base]

    def tell(connection):
        if not connection._dbperf_observed:
            return False
        status = connection.info.transaction_status
        if status == ext.TRANSACTION_STATUS_INERROR:
            return True
        sql = observer.state_to_send(connection._dbperf_unit)
        if sql is None:
            return True
        # Before a transaction begins: its rollback would take it back. "with connection" begins one in any case.
        between = status == ext.TRANSACTION_STATUS_IDLE and not connection.autocommit and not connection._dbperf_entered
        if between:
            connection.autocommit = True
        try:
            with ext.connection.cursor(connection, cursor_factory=ext.cursor) as cursor:
                ext.cursor.execute(cursor, "; ".join(sql))
        finally:
            if between:
                connection.autocommit = False
        connection._dbperf_unit = observer.state()
        return True

    def encoded(cursor, query, variables):
        if variables is None:
            if isinstance(query, bytes):
                return query
            if isinstance(query, str):
                return query.encode(ext.encodings.get(cursor.connection.encoding, "utf-8"))
        return cursor.mogrify(query, variables)

    class Cursor:
        def execute(self, query, vars=None):
            if not tell(self.connection):
                return super().execute(query, vars)
            text = encoded(self, query, vars)
            if observer.rolls_back(text):
                self.connection._dbperf_unit = None
            return super().execute(observer.observe(text, written=query))

        def executemany(self, query, vars_list):
            if not tell(self.connection):
                return super().executemany(query, vars_list)
            vars_list = list(vars_list)
            if not isinstance(query, (str, bytes)):
                query = query.as_string(self)
            return super().executemany(observer.observe(encoded(self, query, None), True, len(vars_list)), vars_list)

        def callproc(self, *arguments):
            tell(self.connection)
            return super().callproc(*arguments)

        def copy_expert(self, *arguments, **named):
            tell(self.connection)
            return super().copy_expert(*arguments, **named)

    class Connection:
        _dbperf_observed = False
        _dbperf_unit = None
        _dbperf_entered = False

        def cursor(self, name=None, cursor_factory=None, **named):
            base = cursor_factory or self.cursor_factory or ext.cursor
            if self._dbperf_observed and isinstance(base, type):
                base = observing(base, Cursor)
            return super().cursor(name, cursor_factory=base, **named)

        def rollback(self):
            self._dbperf_unit = None
            return super().rollback()

        def __enter__(self):
            connection = super().__enter__()
            self._dbperf_entered = True
            return connection

        def __exit__(self, kind, value, trace):
            self._dbperf_entered = False
            if kind is not None:
                self._dbperf_unit = None
            return super().__exit__(kind, value, trace)

    original = psycopg2.connect

    def connect(dsn=None, connection_factory=None, cursor_factory=None, **kwargs):
        parameters = ext.parse_dsn(ext.make_dsn(dsn, **{k: v for k, v in kwargs.items() if k not in ("async", "async_")}))
        name = observer.lease.database_for(parameters.get("dbname")) if observer.lease else None
        if name is None or kwargs.get("async") or kwargs.get("async_"):
            return original(dsn, connection_factory, cursor_factory, **kwargs)
        parameters["dbname"] = name
        factory = connection_factory or ext.connection
        if isinstance(factory, type):
            factory = observing(factory, Connection)
        connection = original(connection_factory=factory, cursor_factory=cursor_factory, **parameters)
        if isinstance(connection, Connection):
            connection._dbperf_observed = True
            connections.add(connection)
        return connection

    connect.__doc__ = original.__doc__
    psycopg2.connect = connect


# --- psycopg 3 ----------------------------------------------------------------------------------------------------------


def _install_psycopg():
    import psycopg
    from psycopg import sql as composing

    def is_observed(connection):
        observed = getattr(connection, "_dbperf_observed", None)
        if observed is None:
            lease = observer.lease
            observed = connection._dbperf_observed = lease is not None and connection.pgconn.db.decode() == lease.name
            if observed:
                connections.add(connection)
                connection._dbperf_unit = None
        return observed

    def what_to_tell(connection):
        if connection.pgconn.transaction_status == psycopg.pq.TransactionStatus.INERROR:
            return None
        return observer.state_to_send(connection._dbperf_unit)

    def tell_directly(connection, sql):
        result = connection.pgconn.exec_("; ".join(sql).encode(connection.info.encoding, "replace"))
        if result.status == psycopg.pq.ExecStatus.COMMAND_OK:
            connection._dbperf_unit = observer.state()

    def said(cursor, query, params):
        text = query.as_bytes(cursor) if isinstance(query, composing.Composable) else query.encode() if isinstance(query, str) else query
        if observer.rolls_back(text):
            cursor.connection._dbperf_unit = None
        return observer.observe(text, params is not None)

    def wrap(cls, name):
        original = cls.__dict__[name]

        def method(self, query, params=None, *args, **named):
            connection = self.connection
            if not is_observed(connection):
                return original(self, query, params, *args, **named)
            sql = what_to_tell(connection)
            if sql is not None:
                if connection.pgconn.pipeline_status:
                    with psycopg.Connection.cursor(connection) as cursor:
                        for one in sql:
                            untouched(cursor, one)
                    connection._dbperf_unit = observer.state()
                else:
                    with connection.lock:
                        tell_directly(connection, sql)
            return original(self, said(self, query, params), params, *args, **named)

        async def async_method(self, query, params=None, *args, **named):
            connection = self.connection
            if not is_observed(connection):
                return await original(self, query, params, *args, **named)
            query = said(self, query, params)
            sql = what_to_tell(connection)
            if sql is not None:
                if connection.pgconn.pipeline_status:
                    async with connection.cursor() as cursor:
                        for one in sql:
                            await async_untouched(cursor, one)
                    connection._dbperf_unit = observer.state()
                else:
                    async with connection.lock:
                        tell_directly(connection, sql)
            return await original(self, query, params, *args, **named)

        is_async = cls.__name__.startswith("Async")
        setattr(cls, name, async_method if is_async else method)

    untouched = psycopg.Cursor.execute
    async_untouched = psycopg.AsyncCursor.execute
    for cls in (psycopg.Cursor, psycopg.AsyncCursor, psycopg.ServerCursor, psycopg.AsyncServerCursor):
        for name in ("execute", "executemany"):
            if name in cls.__dict__ and not (name == "executemany" and "Server" in cls.__name__):
                wrap(cls, name)

    # BEGIN, ROLLBACK and savepoints of transaction() do not go through a cursor.
    commands = psycopg.BaseConnection._exec_command

    def exec_command(self, command, *args, **named):
        if getattr(self, "_dbperf_observed", None):
            text = command.as_bytes(self) if isinstance(command, composing.Composable) else command.encode() if isinstance(command, str) else command
            if observer.rolls_back(text):
                self._dbperf_unit = None
        return commands(self, command, *args, **named)

    psycopg.BaseConnection._exec_command = exec_command

    def redirect(params):
        if observer.lease and (name := observer.lease.database_for(params.get("dbname"))):
            params["dbname"] = name
        return params

    parameters = psycopg.Connection._get_connection_params.__func__
    async_parameters = psycopg.AsyncConnection._get_connection_params.__func__

    def get_parameters(cls, conninfo, **kwargs):
        return redirect(parameters(cls, conninfo, **kwargs))

    async def get_async_parameters(cls, conninfo, **kwargs):
        return redirect(await async_parameters(cls, conninfo, **kwargs))

    psycopg.Connection._get_connection_params = classmethod(get_parameters)
    psycopg.AsyncConnection._get_connection_params = classmethod(get_async_parameters)


# --- pools --------------------------------------------------------------------------------------------------------------


def _install_sqlalchemy_pool():
    from sqlalchemy import event, exc
    from sqlalchemy.pool import Pool

    @event.listens_for(Pool, "checkout")
    def connect_anew(connection, record, proxy):
        if getattr(connection, "closed", False):
            raise exc.DisconnectionError("the test database was replaced")
