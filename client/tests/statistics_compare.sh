# compare --statistics: what a migration does to plans in production, judged by its statistics and the data of a small copy. The
# truth is a database of that size, migrated and planned.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
start_server
sql -c 'CREATE EXTENSION dbperf'
fill() { # DATABASE ROWS
    sql -c "CREATE DATABASE $1"
    sql -d "$1" -v rows="$2" >/dev/null <<'SQL'
CREATE TABLE link (id int PRIMARY KEY, url varchar(500) NOT NULL, seen_at timestamp NOT NULL, owner int NOT NULL, kind text NOT NULL, part text NOT NULL);
INSERT INTO link SELECT g, 'https://example.org/' || g, timestamp '2024-01-01' + g * interval '1 minute', 1 + g % (:rows / 20), 'k' || g % 5, 'p' || g % 5
  FROM generate_series(1, :rows) g;
CREATE INDEX link_url ON link (url);
CREATE INDEX link_seen ON link (seen_at);
CREATE STATISTICS link_both ON kind, part FROM link;
VACUUM ANALYZE;
SQL
}
fill production 60000
fill small 600
dbperf statistics export -d "${server/dbname=postgres/dbname=production}" --output there.json
mkdir queries
cat >queries/q.sql <<'SQL'
-- name: by_owner
-- params: SELECT g AS owner FROM generate_series(5, 25, 10) g
SELECT * FROM link WHERE owner = :owner;
-- name: first_seen
-- params: SELECT 'https://example.org/' || g AS url FROM generate_series(100, 500, 200) g
SELECT id FROM link WHERE url = :url ORDER BY seen_at LIMIT 10;
-- name: alike
SELECT count(*) FROM link WHERE kind = 'k1' AND part = 'p1' AND seen_at > '2024-02-01';
-- name: latest
SELECT * FROM link ORDER BY seen_at DESC LIMIT 5;
SQL
member() { python3 -c "import json, sys
query = {q['query']: q['production'] for q in json.load(open('$work/out'))['queries']}['$1']
print(eval('query' + sys.argv[1]))" "$2"; }
is() { [ "$(member "$1" "$2")" = "$3" ] || { echo "# $1 $2: $(member "$1" "$2"), not $3"; return 1; }; }
cost() { sql -d production -c "EXPLAIN (FORMAT JSON) $1" | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["Plan"]["Total Cost"])'; }
compare() { dbperf compare --from small --queries queries --statistics there.json --format json "$@"; }

# An index that helps, and one that is dropped.
echo 'CREATE INDEX link_owner ON link (owner); DROP INDEX link_seen;' >m.sql
before_owner=$(cost 'SELECT * FROM link WHERE owner = 5') before_alike=$(cost "SELECT count(*) FROM link WHERE kind = 'k1' AND part = 'p1' AND seen_at > '2024-02-01'")
compare --migration m.sql
ok "a regression there: exit 1" ended_with 1
ok "improved" is by_owner "['verdict']" improved
ok "its cause" is by_owner "['cause']" 'CREATE INDEX link_owner ON link (owner)'
ok "cost before is production's" is by_owner "['cost_before']" "$before_owner"
ok "with extended statistics, too" is alike "['cost_before']" "$before_alike"
ok "regressed" is latest "['verdict']" regressed
ok "after ANALYZE, too" is latest "['analyzed']['verdict']" regressed
ok "its cause" is latest "['cause']" 'DROP INDEX link_seen'
ok "untouched" is first_seen "['verdict']" unchanged
sql -d production -f m.sql # without ANALYZE: another sample would have another number of owners
ok "cost after is production's" is latest "['cost_after']" "$(cost 'SELECT * FROM link ORDER BY seen_at DESC LIMIT 5')"
ok "with the new index within 2 %" python3 -c "import sys; sys.exit(not 0.98 < float('$(member by_owner "['cost_after']")') / float('$(cost 'SELECT * FROM link WHERE owner = 5')') < 1.02)"
ok "plans are EXPLAIN's" is by_owner "['plan_after'][0]['Plan']['Node Type']" 'Bitmap Heap Scan'
ok "no copies are left" no_temporary_databases
ok "the source has no new extension" [ "$(sql -d small -c "SELECT count(*) FROM pg_extension WHERE extname = 'dbperf'")" = 0 ]
ok "what it costs there" python3 -c "import json, sys
one, two = (s['production'] for s in json.load(open('$work/out'))['migration']['statements'])
sys.exit(not (one['rows_read'] == 60000 and 0.7e6 < one['bytes_written'] < 2e6 and 0 < one['ms_low'] < one['ms_high'] and one['lock'] == 'SHARE'
              and one['held_ms_high'] >= one['ms_high'] and two['bytes_written'] == 0))"
sql -d production -c 'DROP INDEX link_owner; CREATE INDEX link_seen ON link (seen_at)' -c 'ANALYZE'

# Statistics that the migration removes are gone until ANALYZE.
echo 'ALTER TABLE link ALTER COLUMN url TYPE varchar(2000);' >widen.sql
compare --migration widen.sql
ok "another plan until ANALYZE: regressed" is first_seen "['verdict']" regressed
ok "and as before then" is first_seen "['analyzed']['verdict']" unchanged
ok "the reason names column and remedy" eval "member first_seen \"['reason']\" | grep -q 'link.url are gone until ANALYZE.*put ANALYZE into the migration'"
ok "its cause" is first_seen "['cause']" 'ALTER TABLE link ALTER COLUMN url TYPE varchar(2000)'
dbperf compare --from small --queries queries --migration widen.sql
ok "without production's statistics it is said, too" said 'removes the statistics of link.url: until ANALYZE'
dbperf compare --from small --queries queries --migration widen.sql --statistics there.json
ok "as text" eval 'said "^With production.s statistics" && said "^first_seen +regressed" && said "^3 queries unchanged" && said "^The migration there"'
echo 'ALTER TABLE link ALTER COLUMN url TYPE varchar(2000); ANALYZE link;' >both.sql
compare --migration both.sql --parameters all
ok "all parameter sets" is first_seen "['sets'].__len__()" 3

# What is refused.
dbperf compare --from small --queries queries --migration m.sql --statistics nowhere.json
failed_with "no such file" 2 'cannot read nowhere.json'
head -c 1000 there.json >cut.json
dbperf compare --from small --queries queries --migration m.sql --statistics cut.json
failed_with "half a file" 2 'cut.json holds no statistics' 'statistics export'
sed 's/"schema_version": 1/"schema_version": 9/' there.json >newer.json
dbperf compare --from small --queries queries --migration m.sql --statistics newer.json
failed_with "a newer version" 3 'the statistics cannot be used: statistics of schema version 9'
dbperf compare --from small --queries queries --migration m.sql --statistics there.json --parameters some
failed_with "wrong parameters" 2 'neither worst nor all'
interrupt_when INT '[ "$(sql -c "SELECT count(*) FROM pg_database WHERE datname LIKE '"'%_production'"'")" = 1 ]' \
    compare --from small --queries queries --migration m.sql --statistics there.json
ok "interrupted: exit 130" ended_with 130
ok "no copies are left" no_temporary_databases
done_testing
