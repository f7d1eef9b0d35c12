# regress/example as a user copies it: green as it is, red when the migration drops the index that a query needs.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
start_server -c autovacuum=off -c dbperf.database=performance
cp -r "$here/../../regress/example" "$work/example"
cd "$work/example" || exit 1
word() { tr ' ' '\n' <<<"$server" | sed -n "s/^$1=//p"; }
play() {
    sql -c 'DROP DATABASE IF EXISTS performance WITH (FORCE)' >/dev/null 2>&1
    "$("$PG_CONFIG" --pkglibdir)/pgxs/src/test/regress/pg_regress" --bindir="$("$PG_CONFIG" --bindir)" --host="$(word host)" --port="$(word port)" \
        --user="$(word user)" --inputdir=. --dbname=performance --load-extension=dbperf performance >"$work/out" 2>&1
    status=$?
}

play
ok "green as it is" ended_with 0
echo 'DROP INDEX orders_customer;' >migration.sql
play
ok "red when the index is dropped" ended_with 1
ok "the difference names query and cause" grep -qE '^\+ orders_of_customer \| regressed \| DROP INDEX orders_customer' regression.diffs
ok "and nothing else" [ "$(grep -cE '^\+ [a-z_]+ +\| (regressed|error)' regression.diffs)" = 1 ]

done_testing
