#!/usr/bin/env python3
"""A protocol fuzzer: random messages in random orders over several connections of a role that may do nothing but log in.

After each round the server is asked whether it lives: every connection answers, its log names no crash, no failed assertion and no
report of a sanitizer, and a statement that was executed beside the storm is counted exactly. A part of the rounds sends the same
messages to two roles, one with dbperf.enabled = off: the answers are the same. Prints figures; exit code 0 clean, 1 findings.
The same seed makes the same messages; what several sessions do to one another is left to chance.
"""

import argparse
import collections
import random as randoms
import re
import struct
import sys
import threading
import time
from pathlib import Path

import protocol_words as words
import wire

ALARM = re.compile(r"PANIC:|TRAP:|was terminated by signal|exited with exit code [^01]|AddressSanitizer|runtime error:|stuck spinlock|database system is shut down")
KNOWN = "SELECT name AS known FROM account WHERE id = 17"
RESYNC_TRIES = 4

options = None
figures = collections.Counter()
states = collections.Counter()
findings = []
lock = threading.Lock()


def finding(said):
    with lock:
        findings.append(said)
        print(f"# FINDING: {said}", flush=True)


def counted(name, by=1):
    with lock:
        figures[name] += by


def connect(user):
    return wire.Connection(f"{options.host}/.s.PGSQL.{options.port}", user, options.dbname, options.limit)


class Storm:
    """Messages of one session: `chunks` are sent one after the other."""

    def __init__(self, random, steady, functions):
        self.random, self.steady, self.functions, self.messages = random, steady, functions, []
        self.spared = options.spare.split(",")

    # The unnamed portal is executed and described only right after its Bind: where a simple query has failed in a transaction, the
    # server itself (15) reads freed memory then.
    def portal(self):
        return self.random.choice(["s1", "s2", "s3", "€" * 10])

    def name(self):
        return self.random.choice(["", "", "", "s1", "s2", "s3", "€" * 10])

    def parse(self):
        while True:
            sql, largest = words.statement(self.random, self.steady, 0.0 if "numbers" in self.spared else 0.01)
            if "cursors" in self.spared and b"DECLARE" in wire.text(sql) or "deep" in self.spared and len(sql) > 2000:
                continue
            break
        kinds = [] if self.random.random() < 0.5 or "types" in self.spared else [
            self.random.choice(words.TYPES) for _ in range(self.random.choice([largest, largest, 1, largest + 1]) % 65536)]
        if self.steady and self.random.random() < 0.01: # of a type that is not there; only where the answer is compared
            kinds = [self.random.getrandbits(32)]
        self.largest = largest
        return wire.parse(self.name(), sql, kinds)

    def bind(self, values=None):
        random = self.random
        amount = random.choice([getattr(self, "largest", 1)] * 6 + [0, 1, 2, 3])
        if random.random() < 0.003:
            amount = random.choice([32767, 32768, 65535])
        binary = random.random() < 0.4
        value = [words.value(random, binary) for _ in range(min(amount, 8))] + [None] * max(0, amount - 8)
        formats = [int(binary)] if random.random() < 0.95 else [random.choice([0, 1, 2, -1]) for _ in range(random.randrange(4))]
        return wire.bind(self.name(), self.name(), value, formats, random.choice([(), (), (0,), (1,), (0, 1), (7,)]))

    def whole(self):
        """Parse to Execute of one statement, so that much gets through."""
        name, portal = self.name(), self.name()
        sql, largest = words.statement(self.random, self.steady, 0.0 if "numbers" in self.spared else 0.004)
        if "cursors" in self.spared and b"DECLARE" in wire.text(sql) or "deep" in self.spared and len(sql) > 2000:
            return wire.SYNC
        made = wire.close(b"S", name) if name and self.random.random() < 0.8 else b""
        made += wire.parse(name, sql) if self.random.random() < 0.7 or "types" in self.spared else wire.parse(name, sql, [
            self.random.choice([words.INT8, words.INT4, words.TEXT, words.UNKNOWN, words.VARCHAR, words.INT4_ARRAY, words.TEXT_ARRAY, words.UUID]) for _ in range(min(largest, 3))])
        if largest > 8: # those before it have a type too, or the server would ask for them
            made = wire.parse(name, sql, [words.INT4] * (largest - 1) + [self.random.choice([0, words.INT4, words.TEXT, words.UNKNOWN, words.INT8])])
        number = lambda: words.value(self.random, False) if self.random.random() < 0.4 else b"%d" % self.random.randrange(1, 200)
        for _ in range(self.random.choice([1, 1, 2, 7])):
            made += wire.bind(portal, name, [number() for _ in range(min(largest, 8))] + [None] * max(0, largest - 9) + [b"5"] * (largest > 8))
            if self.random.random() < 0.3:
                made += wire.describe(b"P", portal)
            rows = self.random.choice([0, 0, 0, 1, 2, 5])
            made += wire.execute(portal, rows)
            if rows and self.random.random() < 0.6:
                made += wire.execute(portal, self.random.choice([1, 3, 0])) * self.random.randrange(1, 4)
            made += wire.close(b"P", portal) if portal and self.random.random() < 0.6 else b""
            made += wire.SYNC if self.random.random() < 0.5 else b""
        return made

    def simple(self):
        parts = []
        for _ in range(self.random.choice([1, 1, 1, 2, 4])):
            sql, _ = words.statement(self.random, self.steady, 0)
            if "cursors" in self.spared and b"DECLARE" in wire.text(sql) or "deep" in self.spared and len(sql) > 2000:
                continue
            parts.append(re.sub(rb"\$\d+", lambda _: b"%d" % words.number(self.random), wire.text(sql)))
        return wire.query(b"; ".join(parts))

    def function(self):
        random = self.random
        which = random.choice([177, 871, 1257, 1598, 2026, 3493, random.randrange(12000)] + ([] if self.steady else self.functions))
        if which in (1598, 2026) and self.steady: # random() and pg_backend_pid()
            which = 177
        binary = random.random() < 0.7
        return wire.call(which, [words.value(random, binary) for _ in range(random.choice([0, 1, 2, 2, 3]))], [int(binary)], random.choice([0, 1, 1, 9]))

    def of_dbperf(self):
        """A function of dbperf, with arguments that are nothing to it."""
        name, arguments = self.random.choice(options.calls)
        made = ", ".join(f"{self.random.choice(['NULL', quoted(words.value(self.random, False)), quoted(words.value(self.random, False))])}::{kind}" for kind in arguments)
        return wire.query(f"SELECT * FROM {name}({made}) LIMIT 100")

    def disguised(self):
        """One text prepared with several types, plans made once for all values, executed in turns."""
        random = self.random
        sql, word, pointer = random.choice(words.DISGUISED)
        made = wire.query("ROLLBACK") + wire.query("SET plan_cache_mode = force_generic_plan")
        sql += f" /* {random.getrandbits(40)} */" # nobody has executed this text
        # Whoever executes it first is who the session knows it by: mostly one whose values stand behind a pointer, before one whose do not.
        kinds = [random.choice(pointer), random.choice(word)] + random.sample(list(words.WORN), random.choice([0, 1, 3]))
        if random.random() < 0.3:
            random.shuffle(kinds)
        for kind in kinds:
            made += wire.close(b"S", f"as {kind}") + wire.parse(f"as {kind}", sql, [kind]) + wire.SYNC
        for kind in kinds + [random.choice(kinds) for _ in range(6)]:
            made += wire.bind("", f"as {kind}", [random.choice([words.WORN[kind], words.WORN[kind], None])]) + wire.execute("") + wire.SYNC
        return made + wire.query("RESET plan_cache_mode")

    def cursors(self):
        """So many cursors of different texts that what a session knows of statements is forgotten meanwhile."""
        base, made = self.random.randrange(10**6), wire.query("ROLLBACK") + wire.query("BEGIN")
        for i in range(self.random.choice([50, 300, 1100])):
            made += wire.query(f"DECLARE c{base + i} CURSOR FOR SELECT id AS c{base + i} FROM account WHERE id = {i}; FETCH c{base + i}; CLOSE c{base + i}")
        return made + wire.query(self.random.choice(["COMMIT", "ROLLBACK", "SELECT 1"]))

    def copy(self):
        random = self.random
        made = wire.query(random.choice(["COPY part FROM STDIN", "COPY line (account, part) FROM STDIN", "BEGIN; COPY part (id) FROM STDIN (FORMAT binary)"]))
        for _ in range(random.randrange(5)):
            made += wire.message(b"d", random.choice([b"5\t2020-01-01\tx\n", b"1\t2\n", b"\\.\n", b"bad", random.randbytes(30), b"7\t" * 9000]))
        return made + random.choice([wire.message(b"c"), wire.message(b"f", b"no\0"), wire.SYNC, b"", wire.query("SELECT 1")])

    def action(self):
        random = self.random
        chance = random.random()
        if chance < 0.34:
            return self.whole()
        if chance < 0.44:
            return self.parse()
        if chance < 0.52:
            return self.bind()
        if chance < 0.58:
            return wire.execute(self.portal(), random.choice([0, 1, 2, 10, -1, 2**31 - 1]))
        if chance < 0.61:
            kind = random.choice([b"S", b"P", b"x"])
            return wire.describe(kind, self.portal() if kind == b"P" else self.name())
        if chance < 0.64:
            return wire.close(random.choice([b"S", b"P", b"y"]), self.name())
        if chance < 0.76:
            return wire.SYNC
        if chance < 0.78:
            return wire.FLUSH
        if chance < 0.89:
            return self.simple()
        if chance < 0.91:
            return self.function()
        if chance < 0.93:
            return self.copy()
        if chance < 0.94 and not self.steady:
            return wire.query(words.setting(random))
        if chance < 0.96 and not self.steady and options.calls:
            return self.of_dbperf()
        if chance < 0.97: # N executions in a pipeline: what is looked for as N+1
            return wire.parse("n", "SELECT name FROM account WHERE id = $1", [words.INT8]) + b"".join(
                wire.bind("", "n", [struct.pack("!q", i)], [1]) + wire.execute("") for i in range(1, 12)) + wire.close(b"S", "n") + wire.SYNC
        if chance < 0.99 and "types" not in self.spared:
            return self.disguised()
        if chance < 0.993 and "cursors" not in self.spared:
            return self.cursors()
        if chance < 0.997 and not self.steady:
            return random.choice([wire.message(b"?"), wire.message(b"P", b"x"), wire.message(b"B", b"\0\0\0"), wire.message(b"d", b"x"), wire.message(b"p", b"x\0"),
                                  wire.message(b"E", b"\0\0\0\0\0\0\0"), wire.message(b"Q", b"no end"), wire.message(b"F", random.randbytes(12)), wire.message(b"P", random.randbytes(40))])
        return wire.SYNC

    def chunks(self, amount):
        for _ in range(amount):
            yield self.action()


def quoted(value):
    if value is None:
        return "NULL"
    said = value.decode(errors="replace").replace("\0", "")
    return "'" + said.replace("'", "''") + "'"


def answers(messages):
    """What two answers are compared by: kinds, SQLSTATEs, tags; not the text of an EXPLAIN."""
    made = []
    for kind, body in messages:
        if kind == b"E":
            made.append("E" + wire.server_error(body).state)
        elif kind in b"CZ" and kind:
            made.append(kind.decode() + body.rstrip(b"\0").decode(errors="replace"))
        elif kind not in (b"S", b"N", b"A"):
            made.append(kind.decode())
    return made


def noted(messages, where):
    for kind, body in messages:
        counted("replies")
        if kind == b"C":
            counted("statements completed")
        elif kind == b"E":
            error = wire.server_error(body)
            with lock:
                states[error.state] += 1
            if error.state.startswith("XX") and not re.search(options.internal, error.said):
                finding(f"{where}: internal error {error}")


def resync(session, token, where, soon=5):
    """Leaves whatever state the session is in; true when it answers."""
    marked = lambda kind, body: kind == b"D" and token in body
    collected = []
    for attempt in range(RESYNC_TRIES):
        collected += session.pump(wire.message(b"f", b"over\0") + wire.SYNC + wire.query(b"ROLLBACK; SELECT '" + token + b"'"), 0)
        try:
            if any(marked(*one) for one in collected):
                session.until(lambda kind, _: kind == b"Z")
                return collected
            # A cancel of before may end the very query that asks for the mark: ask again soon, and cancel only what stays silent.
            collected += session.until(marked, soon if attempt == 0 else options.limit)
            rest = collected[[i for i, one in enumerate(collected) if marked(*one)][-1]:]
            if not any(kind == b"Z" for kind, _ in rest):
                collected += session.until(lambda kind, _: kind == b"Z")
            return collected
        except TimeoutError:
            if attempt > 0:
                session.cancel()
                time.sleep(1)
    doing = connect(options.admin).sql(f"SELECT state, wait_event_type, wait_event, left(query, 200) FROM pg_stat_activity WHERE pid = {struct.unpack('!i', session.key[:4])[0]}")
    finding(f"{where}: the session answers nothing, not even after a cancel: {doing}")
    raise wire.Closed(None)


def burst(number, thread, sessions, functions):
    """One session's part of a round."""
    where = f"seed {options.seed} round {number} session {thread}"
    random = randoms.Random(f"{options.seed}/{number}/{thread}")
    try:
        if sessions[thread] is None:
            sessions[thread] = connect("fuzzer")
            counted("connections")
        session = sessions[thread]
        session.record = []
        storm = Storm(random, False, functions)
        pending = b""
        for chunk in storm.chunks(random.randrange(5, 45)):
            counted("messages sent")
            pending += chunk
            if random.random() < 0.4:
                continue # goes with the next
            noted(session.pump(pending, random.choice([0, 0, 0.001, 0.01])), where)
            pending = b""
            if random.random() < 0.06:
                session.cancel(None if random.random() < 0.9 else session.key[:4] + random.randbytes(4))
                counted("cancels")
            elif random.random() < 0.015:
                session.pump(pending + random.choice([wire.TERMINATE, b"", b"Q\0\0\1\0SEL", b"Q\0\0\0\1", b"Q\x7f\xff\xff\xff", random.randbytes(20)]), 0)
                raise ConnectionAbortedError
        noted(session.pump(pending, 0), where)
        noted(resync(session, b"mark %d" % number, where), where)
    except ConnectionAbortedError:
        counted("connections cut")
        sessions[thread].close()
        sessions[thread] = None
    except wire.ServerError as error:
        if error.state != "57P01": # ended by another session of its role
            finding(f"{where}: cannot connect: {error}")
    except wire.Closed as closed:
        counted("connections ended by the server")
        if closed.last and closed.last.state == "57P02": # crash_shutdown
            finding(f"{where}: {closed.last}")
        if sessions[thread]:
            sessions[thread].close()
        sessions[thread] = None
    except TimeoutError:
        finding(f"{where}: no answer within {options.limit} s")
        sessions[thread] = None
    except OSError as error:
        finding(f"{where}: {error}")
        sessions[thread] = None


def twins(number):
    """The same messages to two sessions, observed and not."""
    seen = []
    for user in ("fuzzer_on", "fuzzer_off"):
        random = randoms.Random(f"{options.seed}/{number}/twins")
        ended, session = "", connect(user)
        session.record = []
        try:
            for chunk in Storm(random, True, []).chunks(random.randrange(10, 60)):
                counted("messages sent twice")
                session.pump(chunk, 0)
            resync(session, b"mark", f"seed {options.seed} round {number} {user}", options.limit)
        except wire.Closed as closed:
            ended = str(closed.last)
        except TimeoutError:
            finding(f"seed {options.seed} round {number} {user}: no answer within {options.limit} s")
        session.close()
        seen.append(answers(session.record) + [ended])
    if seen[0] != seen[1]:
        at = next((i for i, (one, other) in enumerate(zip(*seen)) if one != other), min(map(len, seen)))
        finding(f"seed {options.seed} round {number}: answers differ at {at}: observed {seen[0][at - 2:at + 3]}, not observed {seen[1][at - 2:at + 3]}")
    counted("answers compared", len(seen[0]))


def prepare():
    admin = connect(options.admin)
    admin.sql("CREATE EXTENSION IF NOT EXISTS dbperf")
    for user in ("fuzzer", "fuzzer_on", "fuzzer_off"):
        if not admin.sql(f"SELECT FROM pg_namespace WHERE nspname = '{user}'"):
            admin.sql(f"CREATE ROLE {user} LOGIN; CREATE SCHEMA {user} AUTHORIZATION {user}; ALTER ROLE {user} SET search_path = {user}")
            for name, chosen in (("statement_timeout", "3s"), ("lock_timeout", "300ms")):
                admin.sql(f"ALTER ROLE {user} SET {name} = '{chosen if user == 'fuzzer' else 0}'")
            admin.sql(f"SET ROLE {user}; SET search_path = {user}; {words.SCHEMA}; RESET ROLE; RESET search_path")
    admin.sql("ALTER ROLE fuzzer_off SET dbperf.enabled = off")
    options.calls = [(name, [kind for kind in (kinds or "").split(";") if kind]) for name, kinds in admin.sql(
        "SELECT p.oid::regproc, string_agg(format_type(t, NULL), ';' ORDER BY n) FROM pg_proc p LEFT JOIN unnest(p.proargtypes) WITH ORDINALITY u (t, n) ON true"
        " WHERE pronamespace = 'dbperf'::regnamespace AND prokind = 'f' GROUP BY p.oid ORDER BY p.proname")]
    functions = [int(one[0]) for one in admin.sql("SELECT oid FROM pg_proc WHERE pronamespace = 'dbperf'::regnamespace ORDER BY proname")]
    admin.sql("SELECT dbperf.reset(); SELECT dbperf.start_run('soak')")
    return admin, functions


def main():
    global options
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", required=True, help="folder of the server's socket")
    parser.add_argument("--port", default="5432")
    parser.add_argument("--dbname", default="postgres")
    parser.add_argument("--admin", default="postgres", help="a superuser")
    parser.add_argument("--log", required=True, help="the server's log")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--rounds", type=int, default=1 << 60)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--first", type=int, default=1, help="the round to begin with, to play a finding again")
    parser.add_argument("--sessions", type=int, default=5)
    parser.add_argument("--only", type=int, help="of the sessions, only this one")
    parser.add_argument("--limit", type=float, default=60, help="seconds in which the server must answer")
    parser.add_argument("--spare", default="", help="leave out: cursors, numbers, types, deep")
    parser.add_argument("--internal", default="^$", help="pattern of internal errors that are the server's own")
    options = parser.parse_args()
    admin, functions = prepare()
    log = Path(options.log)
    read = log.stat().st_size
    sessions, executed, number = [None] * options.sessions, 0, options.first - 1
    counting = connect("fuzzer_on") # nobody of another role can end it
    end = time.monotonic() + options.seconds
    while number < options.rounds and time.monotonic() < end and not findings:
        number += 1
        threads = [threading.Thread(target=burst, args=(number, i, sessions, functions))
                   for i in range(options.sessions) if options.only in (None, i)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(20):
                counting.sql(KNOWN)
                executed += 1
        except (wire.ServerError, wire.Closed, TimeoutError, OSError) as error:
            finding(f"round {number}: the counting session: {error!r}")
        for thread in threads:
            thread.join()
        if number % 3 == 0:
            twins(number)
        try:
            calls = admin.sql(f"SELECT calls, aborted FROM dbperf.live_statements() WHERE query LIKE '%AS known %' AND run = 'soak' AND role = 'fuzzer_on'::regrole")
            if not calls or int(calls[0][0]) != executed:
                finding(f"round {number}: the known statement was executed {executed} times, counted {calls}")
        except (wire.ServerError, wire.Closed, TimeoutError, OSError) as error:
            finding(f"round {number}: the server does not answer: {error!r}")
        with log.open("rb") as file:
            file.seek(read)
            said = file.read()
        read += len(said)
        for line in said.decode(errors="replace").splitlines():
            if ALARM.search(line):
                finding(f"round {number}: the server's log: {line}")
    figures["rounds"] = number
    figures["the known statement"] = executed
    print("# " + ", ".join(f"{name}: {amount}" for name, amount in sorted(figures.items())))
    print("# errors: " + ", ".join(f"{state} {amount}" for state, amount in states.most_common(40)))
    sys.stdout.flush()
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
