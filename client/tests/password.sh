# The password prompt: asks on the terminal without echo, and leaves the terminal as it was, whatever ends it.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
if ! /usr/bin/python3 -c 'import pty' 2>/dev/null; then
    skip "the password prompt" "no python3"
    done_testing
fi
start_server
sql -c "CREATE ROLE asked LOGIN PASSWORD 'open sesame'" -c 'CREATE EXTENSION dbperf'
hba=$(sql -c 'SHOW hba_file')
sed -i '1i local all asked scram-sha-256' "$hba"
sql -c 'SELECT pg_reload_conf()' >/dev/null

cat >ask.py <<'END'
# ask.py TYPED-OR-SIGNAL COMMAND...: runs it on a terminal of its own and answers its prompt; prints what it showed, whether
# the prompt was without echo, whether there is an echo afterwards, and the status.
import os, pty, select, signal, sys, termios, time
answer, command = sys.argv[1], sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    os.execvp(command[0], command)
shown, quiet, deadline = b'', None, time.monotonic() + 60
echo = lambda: bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
while time.monotonic() < deadline:
    if select.select([terminal], [], [], 0.1)[0]:
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        if not data:
            break
        shown += data
    if quiet is None and b'Password' in shown:
        for _ in range(100): # the echo goes before or after the prompt is shown
            if not echo():
                break
            time.sleep(0.05)
        quiet = not echo()
        if answer == 'SIGNAL':
            os.kill(child, signal.SIGTERM)
        else:
            os.write(terminal, answer.encode() + b'\n')
        after = None
        for _ in range(200):
            if echo():
                break
            time.sleep(0.05)
        after = echo()
os.close(terminal) # who still waits is hung up
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(shown.decode(errors='replace'))
print('quiet' if quiet else 'not quiet', 'echo again' if quiet is not None and after else 'no echo', 'status', status)
END
asked() { # TYPED: leaves status and out of a doctor that needs the password
    env -u DBPERF_DATABASE_URL /usr/bin/python3 ask.py "$1" "$DBPERF" doctor -d "${server/user=postgres/user=asked}" >"$work/out" 2>"$work/err"
    status=$?
}
asked 'open sesame'
ok "the password that was typed opens the connection" eval 'said "ok +connection" && said "^quiet echo again"'
ok "and is not shown" eval '! said sesame'
asked 'shut sesame'
ok "another one does not" eval 'said "password authentication failed" && said "^quiet echo again status 3"'
asked SIGNAL
ok "a signal ends it, with the terminal as it was" said '^quiet echo again status 1(30|43)'
setsid -w "$DBPERF" doctor -W -d "${server/user=postgres/user=asked}" >"$work/out" 2>"$work/err" </dev/null
status=$?
ok "without a terminal it says what else there is" eval '[ "$status" = 3 ] && { said "no terminal to ask on" || complained "no terminal to ask on"; }'
done_testing
