# The private server: nothing left behind, clear words when it cannot be.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
export TMPDIR=$work/tmp/ # the slash at the end must not matter
mkdir -m 755 "$TMPDIR"
chmod 755 "$work" # the server's user must get to it

nothing_left() { [ -z "$(ls -A "$TMPDIR")" ] && [ ! -e "$work/s/server.json" ]; }
pid_of() { sed -n 's/.*"pid": \([0-9]*\).*/\1/p' "$work/s/server.json"; }
ended() { ! kill -0 "$1" 2>/dev/null || grep -qs '^State:[[:space:]]*Z' "/proc/$1/status"; }

dbperf server status --dir "$work/s"
ok "status without a server: exit 3" ended_with 3
dbperf server stop --dir "$work/s"
failed_with "stop without a server" 3 'no private server is known'

dbperf server start --dir "$work/s"
ok "start: exit 0" ended_with 0
ok "start prints only the connection string" eval '[ "$(wc -l <"$work/out")" = 1 ] && said "^host=/.* port=5432 user=postgres dbname=postgres$"'
server=$(cat "$work/out")
ok "it answers" eval '[ "$(sql -c "SHOW fsync" -c "SHOW shared_preload_libraries" | tr "\n" " ")" = "off dbperf " ]'
ok "it listens on no network" eval '[ -z "$(sql -c "SHOW listen_addresses")" ]'
ok "nor read or change what is remembered" eval '[ "$(stat -c %a "$work/s")" = 700 ] && [ "$(stat -c %a "$work/s/server.json")" = 600 ]'
ok "others cannot enter its folder" eval '[ "$(stat -c %a "$TMPDIR"/dbperf-*)" = 700 ]'
dbperf server status --dir "$work/s" --format json
ok "status as JSON" said '"state": "running"'
dbperf server start --dir "$work/s"
failed_with "a second start in the same place" 3 'already runs' 'server stop'
pid=$(pid_of)
dbperf server stop --dir "$work/s"
ok "stop: exit 0" ended_with 0
ok "its process is gone" ended "$pid"
ok "its files are gone" nothing_left

dbperf server start --dir "$work/s"
kill -KILL "$(pid_of)"
sleep 0.2
dbperf server status --dir "$work/s"
ok "status of a killed server: exit 3" ended_with 3
dbperf server start --dir "$work/s"
ok "start after it was killed" ended_with 0
ok "only one folder is there" eval '[ "$(ls "$TMPDIR" | wc -l)" = 1 ]'
dbperf server stop --dir "$work/s"
ok "nothing is left of both" nothing_left

# A state file says which folder is removed and which process is stopped: it must be this user's word.
victim=$work/tmp/dbperf-victims # one letter more than dbperf gives
mkdir -p "$victim/data" "$work/bad" && touch "$victim/data/precious"
state() { printf '{"schema_version": 1, "root": "%s", "socket_directory": "/x", "port": "1", "version": "v", "pid": 1}\n' "$1" >"$work/bad/server.json"; }
refused() { # DESCRIPTION MESSAGE
    for action in stop status start; do
        dbperf server $action --dir "$work/bad"
        failed_with "$1: $action" 3 "$2"
    done
    ok "$1: nothing is removed" [ -e "$victim/data/precious" ]
}
state "$victim/../../precious"
refused "a path with dots" 'does not describe a server'
state "$victim"
refused "a folder that dbperf did not make" 'does not describe a server'
mv "$victim" "$work/tmp/dbperf-real00" && ln -s "$work/tmp/dbperf-real00" "$work/tmp/dbperf-linked" && victim=$work/tmp/dbperf-real00
state "$work/tmp/dbperf-linked"
refused "a link" 'is no folder of a server of this user'
state "$victim" && chmod 666 "$work/bad/server.json"
refused "a file that others can write" 'can be written by others'
chmod 600 "$work/bad/server.json" && chmod 777 "$work/bad"
refused "a folder that others can write" 'can be written by others'
chmod 700 "$work/bad" && mv "$work/bad/server.json" "$work/bad/other" && ln -s other "$work/bad/server.json"
refused "a link to a file" 'is no plain file'
rm "$work/bad/server.json" && state "$victim"
if [ "$(id -u)" = 0 ]; then
    chown nobody "$work/bad/server.json"
    refused "a file of another user" 'belongs to another user'
    chown root "$work/bad/server.json" && chown nobody "$work/bad"
    refused "a folder of another user" 'belongs to another user'
fi
rm -rf "$work/bad" "$victim" "$work/tmp/dbperf-linked"

PGHOSTADDR=192.0.2.1 PGPORT=1 PGOPTIONS=--nonsense=1 dbperf server start --dir "$work/s"
ok "connection settings of the environment do not reach it" eval 'ended_with 0 && said "port=5432"'
dbperf server stop --dir "$work/s"

dbperf server start --dir "$work/s" -c max_connections=abc
failed_with "a wrong setting" 3 'did not start: .*max_connections'
ok "a wrong setting: nothing left" nothing_left
dbperf server start --dir "$work/s" -c nonsense
failed_with "a setting without a value" 2 'is not NAME=VALUE'
dbperf server start --dir "$work/s" --pg-config /nowhere/pg_config
failed_with "no such pg_config" 3 'no PostgreSQL found' '--pg-config'
long=$work/tmp/$(printf 'x%.0s' {1..90})
mkdir "$long"
dbperf server start --dir "$work/s" --socket-dir "$long"
failed_with "a socket path that is too long" 3 'longer than 107 bytes' '--socket-dir'
rmdir "$long"
ok "a socket path that is too long: nothing left" nothing_left
mkdir -m 777 "$work/sockets"
dbperf server start --dir "$work/s" --socket-dir "$work/sockets" -p 6001
ok "a port of one's own" said 'port=6001'
dbperf server start --dir "$work/other" --socket-dir "$work/sockets" -p 6001
failed_with "a port that is taken" 3 'port 6001 is taken' 'another port'
dbperf server stop --dir "$work/s"
ok "nothing left at the end" nothing_left

done_testing
