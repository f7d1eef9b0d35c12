# docs/reference_*.md say what this build has: every setting, view, column, function, command and option, and all have a comment.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
docs=$here/../../docs
mkdir made

start_server
sql -c 'CREATE EXTENSION dbperf'
generated() { PATH=$("$PG_CONFIG" --bindir):$PATH DBPERF=$DBPERF "$docs/generate_reference" made "$server" >"$work/out" 2>"$work/err"; status=$?; }
generated
ok "everything is described" eval 'ended_with 0 && silent'
for page in settings views functions commands; do
    diff -u "$docs/reference_$page.md" "made/reference_$page.md" >"$work/out"
    status=$?
    ok "docs/reference_$page.md is that of this build (else: docs/generate_reference docs)" ended_with 0
done

# What is new and what is missing is seen.
sql -c 'COMMENT ON COLUMN dbperf.runs.label IS NULL' -c 'COMMENT ON FUNCTION dbperf.flush() IS NULL' -c 'CREATE VIEW dbperf.made_up AS SELECT 1 AS number'
generated
ok "what has no comment is named" eval 'ended_with 1 && complained "^dbperf.runs.label has no comment" && complained "^dbperf.flush\(\) has no comment" && complained "^dbperf.made_up has no comment" && complained "^dbperf.made_up.number has no comment"'
ok "and the pages differ" eval '! diff -q "$docs/reference_views.md" made/reference_views.md >/dev/null'

done_testing
