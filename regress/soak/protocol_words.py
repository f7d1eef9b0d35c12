"""What the protocol fuzzer says: tables, statements, values, settings; all of it chosen by the random numbers it is given."""

import struct

BOOL, BYTEA, NAME, INT8, INT2, INT4, TEXT, OID, JSON, XID, FLOAT4, FLOAT8, UNKNOWN = 16, 17, 19, 20, 21, 23, 25, 26, 114, 28, 700, 701, 705
INT4_ARRAY, TEXT_ARRAY, INT8_ARRAY, BPCHAR, VARCHAR, DATE, TIMESTAMPTZ, NUMERIC, UUID, JSONB, RECORD, REGCLASS = (
    1007, 1009, 1016, 1042, 1043, 1082, 1184, 1700, 2950, 3802, 2249, 2205)
TYPES = [0, 0, 0, BOOL, BYTEA, NAME, INT8, INT2, INT4, TEXT, OID, JSON, XID, FLOAT4, FLOAT8, UNKNOWN, INT4_ARRAY, TEXT_ARRAY, INT8_ARRAY,
         BPCHAR, VARCHAR, DATE, TIMESTAMPTZ, NUMERIC, UUID, JSONB, RECORD, REGCLASS]

SCHEMA = """
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN small AS int CHECK (VALUE < 100000);
CREATE TABLE account (id bigint PRIMARY KEY, uid uuid UNIQUE, name text, short varchar(20), fixed char(8), size int, amount numeric(12,2),
    mood mood, born date, ids int[], doc jsonb, raw bytea, nick name);
INSERT INTO account SELECT i, md5(i::text)::uuid, 'n' || i, 's' || i, 'f' || i, i % 7, i / 3.0,
    (ARRAY['sad', 'ok', 'happy'])[1 + i % 3]::mood, date '2020-01-01' + i, ARRAY[i, i + 1], jsonb_build_object('a', i), 'x', 'k' || i FROM generate_series(1, 200) i;
CREATE INDEX ON account (name); CREATE INDEX ON account (short); CREATE INDEX ON account (fixed);
CREATE TABLE line (id serial PRIMARY KEY, account bigint REFERENCES account ON DELETE CASCADE, part small, note text);
INSERT INTO line (account, part, note) SELECT 1 + i % 200, i, 'l' || i FROM generate_series(1, 600) i;
CREATE INDEX ON line (account);
CREATE TABLE part (id int, at date, note text) PARTITION BY RANGE (id);
CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (MINVALUE) TO (100); CREATE TABLE part_high PARTITION OF part FOR VALUES FROM (100) TO (MAXVALUE);
CREATE FUNCTION walk(n int) RETURNS int LANGUAGE plpgsql AS $$ DECLARE found int := 0; BEGIN
    FOR i IN 1 .. least(n, 20) LOOP PERFORM name FROM account WHERE id = i; found := found + 1; END LOOP; RETURN found; END $$;
CREATE FUNCTION stumble(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN
    PERFORM name FROM account WHERE id = n; RETURN 1 / (n % 2); EXCEPTION WHEN division_by_zero THEN RETURN walk(3); END $$;
CREATE FUNCTION deep(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN IF n <= 0 THEN RETURN 0; END IF; RETURN deep(least(n, 200) - 1) + 1; END $$;
CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM 1 FROM account WHERE id = new.account; RETURN new; END $$;
CREATE TRIGGER told BEFORE INSERT ON line FOR EACH ROW EXECUTE FUNCTION told();
CREATE PROCEDURE steps(n int) LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1 .. least(n, 4) LOOP
    UPDATE account SET size = size WHERE id = i; COMMIT; END LOOP; END $$;
ANALYZE account, line;
"""

# A: a parameter. Those with a WHERE on a key are what look-ups in loops are made of.
QUESTIONS = [
    "SELECT * FROM account WHERE id = A", "SELECT name FROM account WHERE id = A::int", "SELECT name FROM account WHERE uid = A::uuid",
    "SELECT id FROM account WHERE uid = A", "SELECT id FROM account WHERE name = A", "SELECT id FROM account WHERE short = A",
    "SELECT id FROM account WHERE fixed = A", "SELECT id FROM account WHERE nick = A", "SELECT id FROM account WHERE id = ANY(A)",
    "SELECT id FROM account WHERE id IN (A, A, 3)", "SELECT id FROM account WHERE id = ANY(A::int[])", "SELECT name FROM account WHERE name = ANY(A)",
    "SELECT id FROM account WHERE mood = A", "SELECT id FROM account WHERE amount = A", "SELECT id FROM account WHERE born = A",
    "SELECT id FROM account WHERE doc ->> 'a' = A", "SELECT id FROM account WHERE doc @> A", "SELECT id FROM account WHERE raw = A",
    "SELECT id FROM account WHERE id BETWEEN A AND A", "SELECT id FROM account WHERE id > A ORDER BY id LIMIT A", "SELECT A", "SELECT A::text || A::text",
    "SELECT * FROM line WHERE account = A", "SELECT a.name, l.note FROM account a JOIN line l ON l.account = a.id WHERE a.id = A",
    "SELECT note FROM line WHERE part = A", "SELECT (SELECT name FROM account a WHERE a.id = l.account) FROM line l WHERE l.id < A",
    "SELECT * FROM account WHERE (id, name) = (A, A)", "SELECT count(*) FROM account WHERE size = A", "SELECT walk(A)", "SELECT stumble(A)", "SELECT deep(A)",
    "SELECT id FROM account WHERE id = A FOR UPDATE", "SELECT id FROM account WHERE id = A FOR SHARE SKIP LOCKED",
    "SELECT id FROM account ORDER BY id FOR NO KEY UPDATE NOWAIT", "SELECT * FROM part WHERE id = A", "SELECT pg_advisory_xact_lock(A)", "SELECT pg_try_advisory_lock(A)",
    "SELECT pg_advisory_unlock_all()", "UPDATE account SET size = size + 1 WHERE id = A", "UPDATE account SET name = A WHERE id = A RETURNING *",
    "UPDATE account SET amount = amount WHERE uid = A::uuid", "INSERT INTO line (account, part, note) VALUES (A, A, A) RETURNING id",
    "INSERT INTO line (account, part) SELECT id, A FROM account WHERE id < A", "INSERT INTO account (id, name) VALUES (A, A) ON CONFLICT (id) DO UPDATE SET name = excluded.name",
    "DELETE FROM line WHERE id = A", "DELETE FROM account WHERE id = A AND size = A", "INSERT INTO part VALUES (A, now(), A)",
    "MERGE INTO account a USING (SELECT A::bigint AS id) s ON a.id = s.id WHEN MATCHED THEN UPDATE SET size = 1 WHEN NOT MATCHED THEN DO NOTHING",
    "WITH gone AS (DELETE FROM line WHERE account = A RETURNING *) SELECT count(*) FROM gone", "SELECT 1 / A::int", "SELECT * FROM generate_series(1, A::int) g LIMIT 50",
    "VALUES (A, A), (A, A)", "SELECT id FROM account WHERE id = A UNION ALL SELECT id FROM line WHERE account = A", "TABLE account", "SELECT FROM account WHERE A",
    "SELECT * FROM nowhere WHERE id = A", "SELECT A::mood", "SELECT row(A, A)", "SELECT ARRAY[A, A]", "SELECT A IS NULL", "SELECT pg_typeof(A)", "SELEC A", "",
    "SELECT id FROM account WHERE id = A AND uid = A AND name = A AND short = A", "SELECT name FROM account WHERE id = A OR id = A",
]

COMMANDS = [
    "BEGIN", "BEGIN ISOLATION LEVEL SERIALIZABLE", "BEGIN READ ONLY", "START TRANSACTION ISOLATION LEVEL REPEATABLE READ", "COMMIT", "COMMIT", "ROLLBACK",
    "COMMIT AND CHAIN", "ROLLBACK AND CHAIN", "SAVEPOINT s", "SAVEPOINT t", "ROLLBACK TO s", "ROLLBACK TO SAVEPOINT t", "RELEASE s", "RELEASE t",
    "LOCK TABLE line IN SHARE MODE", "LOCK TABLE account IN ROW EXCLUSIVE MODE NOWAIT", "DISCARD ALL", "DISCARD PLANS", "DISCARD TEMP", "DISCARD SEQUENCES",
    "DEALLOCATE ALL", "CLOSE ALL", "DEALLOCATE PREPARE a", "PREPARE a AS SELECT name FROM account WHERE id = $1", "PREPARE b(text) AS SELECT name FROM account WHERE name = $1",
    "PREPARE a(int, text) AS UPDATE account SET name = $2 WHERE id = $1", "EXECUTE a(3)", "EXECUTE b('n3')", "EXECUTE a(4, 'x')", "EXPLAIN EXECUTE a(1)",
    "EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) SELECT * FROM account WHERE id = 5", "EXPLAIN ANALYZE EXECUTE a(3)", "EXPLAIN UPDATE account SET size = 1",
    "CREATE TEMP TABLE t AS SELECT * FROM account", "CREATE TEMP TABLE t (id int) ON COMMIT DROP", "DROP TABLE t", "TRUNCATE t", "ALTER TABLE t ADD c int",
    "INSERT INTO t (id) VALUES (1)", "SELECT * FROM t", "CREATE TEMP VIEW v AS SELECT id FROM account", "SELECT * FROM v WHERE id = 3", "CREATE INDEX ON t (id)",
    "DO $$ BEGIN FOR i IN 1 .. 12 LOOP PERFORM name FROM account WHERE id = i; END LOOP; END $$", "DO $$ BEGIN PERFORM 1 / 0; END $$", "CALL steps(3)",
    "DO $$ BEGIN INSERT INTO line (account) VALUES (1); COMMIT; INSERT INTO line (account) VALUES (2); ROLLBACK; END $$",
    "DO $$ DECLARE c CURSOR FOR SELECT * FROM account; r record; BEGIN FOR r IN c LOOP EXIT WHEN r.id > 5; UPDATE account SET size = 2 WHERE CURRENT OF c; END LOOP; END $$",
    "VACUUM t", "ANALYZE line", "SET CONSTRAINTS ALL DEFERRED", "LISTEN x", "NOTIFY x, 'y'", "UNLISTEN *", "RESET ALL", "SHOW ALL", "CHECKPOINT",
    "PREPARE TRANSACTION 'x'", "SET plan_cache_mode = force_generic_plan", "SET plan_cache_mode = force_custom_plan", "RESET plan_cache_mode", "SET enable_indexscan = off",
    "SET LOCAL work_mem = '64kB'", "SET max_parallel_workers_per_gather = 2", "SET force_parallel_mode = on", "SET ROLE none", "SET search_path = pg_catalog", "RESET search_path",
    "DECLARE c CURSOR FOR SELECT * FROM account ORDER BY id", "DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT id, name FROM account", "DECLARE d BINARY NO SCROLL CURSOR FOR TABLE line",
    "DECLARE d CURSOR WITH HOLD FOR SELECT walk(3) FROM account", "DECLARE c CURSOR FOR SELECT 1 / (id - 5) FROM account ORDER BY id", "DECLARE d CURSOR FOR SELECT * FROM account FOR UPDATE",
    "FETCH 3 FROM c", "FETCH ALL FROM d", "FETCH BACKWARD 2 FROM c", "FETCH ABSOLUTE -1 FROM c", "FETCH PRIOR FROM c", "MOVE 5 IN c", "MOVE BACKWARD ALL IN c", "CLOSE c", "CLOSE d",
    "UPDATE account SET size = 3 WHERE CURRENT OF c", "DELETE FROM account WHERE CURRENT OF d", "FETCH 0 FROM d", "CREATE TABLE made AS EXECUTE a(1)", "DROP TABLE made",
    "COPY line TO STDOUT", "COPY (SELECT id FROM account) TO STDOUT (FORMAT binary)", "COPY part FROM STDIN", "COPY line (account, part) FROM STDIN (FORMAT csv)", "COPY nowhere FROM STDIN",
    "EXPLAIN (ANALYZE, FORMAT json) SELECT count(*) FROM account a, line l WHERE a.id = l.account", "CREATE MATERIALIZED VIEW m AS SELECT 1", "REFRESH MATERIALIZED VIEW m",
    "IMPORT FOREIGN SCHEMA x FROM SERVER y INTO z", "REINDEX TABLE line", "COMMENT ON TABLE line IS 'x'", "GRANT SELECT ON line TO PUBLIC", "CREATE STATISTICS ON id, name FROM account",
]

# Answers that depend on the clock or on other sessions; not for comparing.
UNSTEADY = [
    "SELECT pg_sleep(0.02)", "SELECT pg_terminate_backend(pg_backend_pid())", "SELECT pg_cancel_backend(pg_backend_pid())", "SELECT id FROM account WHERE id = 1 FOR UPDATE",
    "SELECT id FROM account WHERE id = 2 FOR UPDATE", "UPDATE account SET size = size + 1 WHERE id IN (SELECT id FROM account ORDER BY random() LIMIT 2)",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1",
    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()", "LOCK TABLE line", "LOCK TABLE account",
    "SELECT count(*) FROM account a, account b, account c", "SET statement_timeout = 3", "SET lock_timeout = 1", "SET idle_in_transaction_session_timeout = 5",
]

SETTINGS = {
    "dbperf.run": ["", "soak", "other", "x" * 60, "x" * 70, "ä"], "dbperf.scope": ["", "request 1", "request 2", "a\nb"], "dbperf.scope_gap": ["0", "1", "1000", "-1"],
    "dbperf.query_name": ["", "named", "\u20ac" * 20], "dbperf.n_plus_one": ["on", "off"], "dbperf.n_plus_one_threshold": ["2", "5", "1", "2147483647"],
    "dbperf.capture_plans": ["off", "new", "slow", "all", "none"], "dbperf.capture_timing": ["on", "off"], "dbperf.slow_query_threshold": ["-1", "0", "1"],
    "dbperf.budget": ["0", "0.001", "1e9", "nan"], "dbperf.track_locks": ["on", "off"], "dbperf.possible_cycles": ["on", "off"], "dbperf.enabled": ["off", "on"],
    "dbperf.keep_parameters": ["off", "on"], "dbperf.track_deadlocks": ["off", "on"], "dbperf.pause_before_lock": ["1/1/1/1/1/1"], "dbperf.verify": ["on", "off"],
    "dbperf.flush_timeout": ["100", "5000"], "dbperf.acquire_timeout": ["1"], "dbperf.nonsense": ["1"], "dbperf.last_execution": ["x"],
}


def number(random):
    return random.choice([0, 1, 2, 3, 5, 7, 42, 199, 200, -1, 32767, 32768, 2**31 - 1, -2**31, 2**63 - 1, random.randrange(250), random.randrange(250)])


def value(random, binary):
    """A parameter's bytes: often right for some type, sometimes for none."""
    chance = random.random()
    if chance < 0.08:
        return None
    if binary:
        if chance < 0.3:
            return struct.pack("!i", number(random) % 2**31)
        if chance < 0.5:
            return struct.pack("!q", number(random))
        if chance < 0.6:
            return struct.pack("!h", number(random) % 2**15)
        if chance < 0.68:
            return random.randbytes(16)
        if chance < 0.78: # an array of int4, sometimes of something else
            elements = random.randrange(6)
            return struct.pack("!iiI", 1, 0, random.choice([INT4, INT4, TEXT, INT8])) + struct.pack("!ii", elements, 1) + b"".join(
                struct.pack("!ii", 4, number(random) % 2**31) for _ in range(elements))
        if chance < 0.9:
            return b"n%d" % random.randrange(200)
        return random.randbytes(random.choice([0, 1, 3, 8, 40, 5000]))
    return random.choice([
        lambda: b"%d" % number(random), lambda: b"%d" % random.randrange(200), lambda: b"n%d" % random.randrange(200), lambda: b"{1,2,3}", lambda: b"{NULL,7}",
        lambda: b"cfcd2084-95d5-65ef-66e7-dff9f98764da", lambda: b"happy", lambda: b"2020-02-02", lambda: b'{"a": 1}', lambda: b"", lambda: b"t", lambda: b"1.5", lambda: b"nan",
        lambda: b"\xff\xfe", lambda: "€ü".encode(), lambda: b"x" * random.choice([1, 100, 3000, 70000]), lambda: b"{" + b"1," * 400 + b"1}"])()


def places(random, question, highest):
    """Puts parameters into a question; gives the text and the largest number in it."""
    largest, made = 0, []
    parts = question.split("A")
    # "A" stands alone: letters of other words are small or come with others.
    for at, part in enumerate(parts):
        made.append(part)
        if at + 1 == len(parts):
            break
        left, right = part[-1:], parts[at + 1][:1]
        if left.isalpha() or right.isalpha():
            made.append("A")
        elif random.random() < 0.25:
            made.append(random.choice(["1", "7", "'n3'", "NULL", "'{1,2}'", "199"]))
        else:
            place = largest + 1 if largest < 4 and random.random() < 0.9 else max(1, largest)
            if random.random() < highest:
                place = random.choice([100, 255, 256, 32767, 32768, 32770, 40000, 65534, 65535])
            largest = max(largest, place)
            made.append(f"${place}")
    return "".join(made), largest


# One text, to be prepared with several types of its parameter: those whose values are a word, and those behind a pointer, that the
# text can be executed with.
WORD, POINTER, ARRAY = [INT8, INT4, INT2, BOOL, FLOAT8], [TEXT, VARCHAR], [INT4_ARRAY, INT8_ARRAY]
DISGUISED = [("SELECT name FROM account WHERE id = $1::int", WORD, POINTER), ("UPDATE account SET size = 1 WHERE id = $1::int", WORD, POINTER),
             ("SELECT note FROM line WHERE id = $1::text::int AND account = $1::int", WORD, POINTER),
             ("SELECT name FROM account WHERE amount = $1::numeric", [INT8, INT4, FLOAT8], POINTER + [NUMERIC]), ("SELECT name FROM account WHERE name = $1", [NAME], POINTER),
             ("SELECT name FROM account WHERE uid = $1::uuid", [UUID], POINTER), ("SELECT name FROM account WHERE id = ANY($1)", ARRAY, ARRAY),
             ("SELECT name FROM account WHERE id = ANY($1::int[])", ARRAY, POINTER + [TEXT_ARRAY]), ("SELECT name FROM account WHERE short = $1 AND size = $1::int", [NAME], POINTER)]
WORN = {INT8: b"5", INT4: b"5", TEXT: b"5", VARCHAR: b"5", UNKNOWN: b"5", NUMERIC: b"5", NAME: b"5", BPCHAR: b"5", INT2: b"5", INT4_ARRAY: b"{5}", TEXT_ARRAY: b"{5}",
        INT8_ARRAY: b"{5}", UUID: b"cfcd2084-95d5-65ef-66e7-dff9f98764da", FLOAT8: b"5", BOOL: b"t"}


def statement(random, steady, highest=0.01):
    chance = random.random()
    if chance < 0.6:
        made, largest = places(random, random.choice(QUESTIONS), highest)
    elif chance < 0.95 or steady:
        made, largest = random.choice(COMMANDS), 0
    else:
        made, largest = random.choice(UNSTEADY), 0
        if "pg_terminate" in made and random.random() < 0.8:
            made = "SELECT 1"
    chance = random.random()
    if chance < 0.03:
        made += f" /*traceparent='00-{random.getrandbits(120):032x}-{1 + random.randrange(9):016x}-01'*/"
    elif chance < 0.05:
        made = f"/* {random.choice(['x', '/* nested */', chr(228) * 30])} */ -- y\n" + made
    elif chance < 0.06:
        made = made + " -- " + "z" * random.choice([300, 5000, 300000])
    elif chance < 0.07:
        made = f"SELECT id AS {random.choice(['p', 'q', 'r'])}{random.randrange(3000)} FROM account WHERE id = 1" # one more text
        largest = 0
    elif chance < 0.075:
        depth = random.choice([20, 150, 700])
        made, largest = random.choice(["SELECT " + "(" * depth + "1" + ")" * depth, "SELECT 1" + " EXCEPT SELECT 1" * depth, "SELECT " + "-" .join(["1"] * depth),
                                       "SELECT 1 FROM account a0" + "".join(f" JOIN account a{i} USING (id)" for i in range(1, 1 + depth // 20))]), 0
    elif chance < 0.08:
        made = made[:random.randrange(len(made) + 1)]
    elif chance < 0.085:
        made = made.encode() + b"\xff\xc3"
    return made, largest


def setting(random):
    name = random.choice(list(SETTINGS))
    chosen = random.choice(SETTINGS[name])
    return f"{random.choice(['SET', 'SET', 'SET LOCAL'])} {name} = '{chosen}'" if random.random() < 0.9 else f"RESET {name}"
