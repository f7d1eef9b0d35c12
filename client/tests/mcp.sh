# mcp: a conversation with a real server, what may not be done in it, and that nothing is left behind however it ends.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
start_server
PATH=$(dirname "$psql"):$PATH
application=$here/../../benchmarks/example_app.sh
sql -c 'CREATE EXTENSION dbperf'
"$application"
dbperf run --label before -- "$application"
mkdir -p project/queries project/migrations && cd project || exit 1
printf -- '-- name: orders_of_customer\n-- params: SELECT 1 AS id\nSELECT day FROM example_orders WHERE customer_id = :id;\n' >queries/orders.sql
echo 'CREATE INDEX example_orders_of ON example_orders (customer_id);' >migrations/index.sql
echo 'SELECT pg_sleep(600);' >migrations/slow.sql
echo 'CREATE ROLE eve;' >migrations/role.sql
echo 'SELECT 1;' >../outside.sql
ln -s ../outside.sql link.sql

# One conversation with everything printed by the server, which says at its end whether all of it was protocol.
cat >"$work/client.py" <<'END'
import json, os, re, select, signal, subprocess, sys, time
class Client:
    def __init__(self, *options, initialize=True):
        self.process = subprocess.Popen([os.environ['DBPERF'], 'mcp', *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(os.environ['work'] + '/err', 'ab'))
        self.buffer, self.last, self.notifications, self.answers = b'', 0, [], {}
        if initialize:
            self.ask('initialize', protocolVersion='2025-06-18', capabilities={}, clientInfo={'name': 'test', 'version': '1'})
            self.notify('notifications/initialized')
    def write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()
    def send(self, method, **params):
        self.last += 1
        self.write(json.dumps({'jsonrpc': '2.0', 'id': self.last, 'method': method, 'params': params}).encode() + b'\n')
        return self.last
    def notify(self, method, **params):
        self.write(json.dumps({'jsonrpc': '2.0', 'method': method, 'params': params}).encode() + b'\n')
    def line(self, seconds=120):
        end = time.time() + seconds
        while b'\n' not in self.buffer:
            if not select.select([self.process.stdout], [], [], max(0, end - time.time()))[0]:
                return None
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                return None
            self.buffer += data
        line, self.buffer = self.buffer.split(b'\n', 1)
        message = json.loads(line)
        assert message['jsonrpc'] == '2.0', line
        return message
    def wait_for(self, id, seconds=120):
        while id not in self.answers:
            message = self.line(seconds)
            assert message is not None, 'no answer to %s' % id
            if 'id' in message: self.answers[message['id']] = message
            else: self.notifications.append(message)
        return self.answers.pop(id)
    def ask(self, method, **params):
        return self.wait_for(self.send(method, **params))
    def begin(self, tool, **arguments):
        return self.send('tools/call', name=tool, arguments=arguments)
    def result(self, answer):
        result = answer['result']
        text = result['content'][0]['text']
        return text if result['isError'] else json.loads(text)
    def call(self, tool, **arguments):
        return self.result(self.wait_for(self.begin(tool, **arguments)))
    def close(self):
        self.process.stdin.close()
        rest = self.process.stdout.read()
        for line in (self.buffer + rest).splitlines(): json.loads(line)
        return self.process.wait(90)
def eventually(condition, what, seconds=60):
    end = time.time() + seconds
    while not condition():
        assert time.time() < end, what
        time.sleep(0.05)
def sql(text):
    return subprocess.run([os.environ['psql'], '-XqAt', '-d', os.environ['server'], '-c', text], capture_output=True, text=True, check=True).stdout.strip()
def copies():
    return int(sql(r"SELECT count(*) FROM pg_database WHERE datname LIKE 'dbperf\_%'"))
def commands(mark):
    return [p for p in os.listdir('/proc') if p.isdigit() and mark in open_or_nothing('/proc/%s/cmdline' % p) and int(p) != os.getpid()]
def open_or_nothing(path):
    try: return open(path, 'rb').read().decode(errors='replace')
    except OSError: return ''
def children_of(pid):
    return open_or_nothing('/proc/%d/task/%d/children' % (pid, pid)).split()
END
export DBPERF work psql server application
# What Python prints is no TAP.
python() { # PROGRAM
    { cat "$work/client.py"; echo "$1"; } >"$work/program.py"
    /usr/bin/python3 "$work/program.py" >"$work/out" 2>>"$work/err"
    status=$?
}
try() { # DESCRIPTION PROGRAM
    : >"$work/err"
    python "$2"
    ok "$1" ended_with 0
}

try "tools: what may be run is one of them" "
client = Client('--', 'true')
tools = {tool['name']: tool for tool in client.ask('tools/list')['result']['tools']}
assert sorted(tools) == ['advise_indexes', 'compare_migration', 'explain_finding', 'list_findings', 'list_runs', 'read_more', 'run_command'], tools
assert 'command' not in tools['run_command']['inputSchema']['properties']
assert client.close() == 0
client = Client()
assert 'run_command' not in [tool['name'] for tool in client.ask('tools/list')['result']['tools']]
assert client.ask('tools/call', name='run_command', arguments={})['error']['code'] == -32602
assert client.close() == 0
client = Client('--allow-commands')
assert 'command' in [tool for tool in client.ask('tools/list')['result']['tools'] if tool['name'] == 'run_command'][0]['inputSchema']['required']
assert client.close() == 0"

try "findings: a page, and one with its evidence" "
client = Client()
assert client.call('list_runs')['runs'][0]['run'] == 'before'
page = client.call('list_findings', run='before')
assert page['counts']['failed'] == 1 and page['of'] == 1 and page['next'] is None, page
found = page['findings'][0]
assert found['kind'] == 'n_plus_one' and 'example_customers' in found['query'], found
one = client.call('explain_finding', finding=found['id'], run='before')
assert one['evidence']['n_plus_one']['parent_relation'] == 'public.example_orders', one
assert 'ANY' in one['finding']['suggestion'], one
everything = client.call('list_findings', outcome='all', limit=1)
assert len(everything['findings']) == 1 and everything['of'] == 3 and everything['next'] == 1, everything
assert len(client.call('list_findings', outcome='all', offset=1)['findings']) == 2
assert 'there are failed' in client.call('list_findings', outcome='bad')
assert 'has no finding' in client.call('explain_finding', finding='0123')
assert 'no run is labelled' in client.call('list_findings', run='nowhere')
assert client.close() == 0"

try "run_command: observed, judged, its status and what it printed" "
client = Client('--', 'sh', '-c', 'echo said; \"$application\"; exit 3')
result = client.call('run_command', label='by agent')
assert result['run'] == 'by agent' and result['command_status'] == 3 and result['counts']['failed'] == 1, result
assert result['printed'].startswith('said'), result
assert 'no argument' in client.call('run_command', command=['touch', 'ran'])
assert client.close() == 0
client = Client('--allow-commands')
assert client.call('run_command', command=['sh', '-c', 'echo \"[1] dbperf: x\"; cat'])['command_status'] == 0
assert 'cannot start' in client.call('run_command', command=['/no/such/program'])
assert client.close() == 0"
ok "and nothing else ran" [ ! -e ran ]
runs_are_closed() { [ "$(sql -c "SELECT count(*) FROM dbperf.runs WHERE state = 'active'")" = 0 ]; }
ok "every run is closed" runs_are_closed

try "compare_migration and advise_indexes: in copies" "
client = Client('--allow-superuser')
result = client.call('compare_migration', migrations=['migrations/index.sql'], queries='queries', samples=10)
assert result['queries'][0]['verdict'] == 'improved' and result['migration']['statements'][0]['file'] == 'migrations/index.sql', result
result = client.call('advise_indexes', queries='queries', max_indexes=1)
assert 'customer_id' in result['indexes'][0]['ddl'] and result['indexes'][0]['verdict'] == 'proven', result
assert client.close() == 0
assert sql(\"SELECT count(*) FROM pg_indexes WHERE indexname LIKE '%customer_id%' OR indexname = 'example_orders_of'\") == '0'"
ok "no copy is left" no_temporary_databases

try "no file from elsewhere, nothing that all databases share, no more rights than needed" "
client = Client('--allow-superuser')
for file in ['../outside.sql', 'link.sql', '/etc/passwd', 'migrations/../../outside.sql']:
    assert 'is not below' in client.call('compare_migration', migrations=[file], queries='queries'), file
assert 'is about a role' in client.call('compare_migration', migrations=['migrations/role.sql'], queries='queries')
assert 'cannot read' in client.call('compare_migration', migrations=['--help'], queries='queries')
assert 'is not below' in client.call('advise_indexes', queries='..')
assert client.close() == 0
client = Client()
for tool, arguments in [('compare_migration', {'migrations': ['migrations/index.sql'], 'queries': 'queries'}), ('advise_indexes', {'queries': 'queries'})]:
    assert '--allow-superuser' in client.call(tool, **arguments)
assert client.close() == 0"
sql -c 'CREATE ROLE dev LOGIN CREATEDB' -c 'GRANT pg_monitor TO dev' -c 'CREATE DATABASE shop OWNER dev'
sql -c 'GRANT SET ON PARAMETER dbperf.enabled TO dev' -c 'GRANT EXECUTE ON FUNCTION dbperf.store_interleaved_times, dbperf.store_query_outcome TO dev' # as docs/mcp.md says
sql -d shop -c 'CREATE EXTENSION dbperf' -c 'CREATE TABLE example_orders AS SELECT g AS id, g % 500 AS customer_id, now() AS day FROM generate_series(1, 20000) g' -c 'ALTER TABLE example_orders OWNER TO dev' -c ANALYZE
DBPERF_DATABASE_URL="${server/dbname=postgres/dbname=shop} user=dev" try "a role that may make databases needs no more" "
client = Client()
assert client.call('list_findings', run='before')['of'] == 1
result = client.call('compare_migration', migrations=['migrations/index.sql'], queries='queries')
assert isinstance(result, dict) and result['queries'][0]['verdict'] == 'improved', result
result = client.call('advise_indexes', queries='queries')
assert isinstance(result, dict) and result['indexes'][0]['verdict'] == 'proven', result
assert client.close() == 0"

# A result that is too large: what was left off can be had.
{
    for i in {1..120}; do
        printf "SET dbperf.query_name = 'q%s'; SELECT %s AS \"%0300d\" FROM pg_sleep(0.012);\n" "$i" "$i" "$i" | sed 's/0\{50\}/column_with_a_long_name_/' | cut -c1-400
    done
} >many.sql
cat >dbperf.toml <<'END'
slow_query_threshold_ms = 1
END
try "a large result is cut, and the rest can be had" "
client = Client('--max-result', '4', '--', os.environ['psql'], '-Xq', '-o', '/dev/null', os.environ['server'], '-c', 'SELECT 1', '-f', 'many.sql')
client.call('run_command', label='many')
page = client.call('list_findings', run='many', outcome='all', limit=100)
assert len(json.dumps(page)) < 5000
shown, place = len(page['findings']), [each for each in page['left_off'] if each['at'] == '/findings'][0]
assert place['shown'] == shown and place['of'] == 100, place
seen = [each['id'] for each in page['findings']]
while len(seen) < 100:
    more = client.call('read_more', result=page['result'], at='/findings', offset=len(seen))
    assert more['elements'], more
    seen += [each['id'] for each in more['elements']]
assert len(set(seen)) == 100 and more['next'] is None
assert 'not kept' in client.call('read_more', result='r99', at='/findings')
assert client.close() == 0"
rm dbperf.toml

try "bad input is answered, and the conversation goes on" "
client = Client()
for line, code in [(b'{', -32700), (b'\xff\xfe', -32700), (b'[{}]', -32600), (b'null', -32600), (b'{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}', -32600), (b'x' * 3000000, -32600), (b'[' * 500000, -32600)]:
    client.write(line + b'\n')
    assert client.line()['error']['code'] == code, line[:20]
for method in ['resources/list', 'prompts/get', '', 'tools/call/../x']:
    assert client.ask(method)['error']['code'] == -32601
assert client.ask('tools/call')['error']['code'] == -32602
assert client.ask('tools/call', name='list_runs', arguments=[])['error']['code'] == -32602
assert client.ask('ping')['result'] == {}
client.write(b'\n\r\n')
assert 'must be' in client.call('list_findings', limit='all of them')
assert client.close() == 0"

try "everything at once: answered or refused, each once" "
client = Client('--allow-superuser', '--', 'sh', '-c', 'echo x')
ids = [client.begin(tool, **arguments) for _ in range(60) for tool, arguments in [('list_findings', {}), ('list_runs', {}), ('run_command', {}), ('compare_migration', {'migrations': ['migrations/index.sql'], 'queries': 'queries'})]]
for id in ids[100:]: client.notify('notifications/cancelled', requestId=id)
answers = [client.wait_for(id) for id in ids[:40]]
assert all(client.result(each)['findings'] is not None for each in answers[0::4])
assert all(client.result(each)['command_status'] == 0 for each in answers[2::4])
assert client.ask('ping')['result'] == {}
assert client.close() == 0"
ok "everything at once: no copy is left" no_temporary_databases
ok "everything at once: every run is closed" runs_are_closed

try "a call that is cancelled leaves nothing and is not answered" "
client = Client('--allow-superuser', '--', 'sh', '-c', 'trap \"\" TERM INT HUP; sleep 611.5 & sleep 611.5; sleep 611.5')
run = client.begin('run_command')
eventually(lambda: len(commands('sleep\x00611.5')) >= 2, 'the command begins')
client.notify('notifications/cancelled', requestId=run, reason='changed my mind')
eventually(lambda: not commands('sleep\x00611.5'), 'the command ends, its children too')
eventually(lambda: sql(\"SELECT count(*) FROM dbperf.runs WHERE state = 'active'\") == '0', 'the run is finished')
compare = client.begin('compare_migration', migrations=['migrations/slow.sql'], queries='queries')
eventually(lambda: copies() > 0, 'a copy is made')
client.notify('notifications/cancelled', requestId=compare)
eventually(lambda: copies() == 0, 'the copies go')
assert client.ask('ping')['result'] == {}
assert run not in client.answers and compare not in client.answers
assert client.close() == 0"

try "a client that goes away mid-call leaves nothing" "
for goes in ['close', 'kill', 'terminate', 'deaf']:
    client = Client('--allow-superuser', '--', 'sh', '-c', 'sleep 612.5; true')
    client.begin('run_command')
    client.begin('list_findings')
    eventually(lambda: len(commands('sleep\x00612.5')) == 1, 'the command begins')
    if goes == 'close': client.process.stdin.close()
    elif goes == 'deaf': client.process.stdout.close(); client.process.stdin.write(b'{}\n' * 1000); client.process.stdin.flush()
    else: client.process.send_signal(signal.SIGKILL if goes == 'kill' else signal.SIGTERM)
    status = client.process.wait(60)
    assert status == {'close': 0, 'kill': -9, 'terminate': 130, 'deaf': 0}[goes], (goes, status)
    eventually(lambda: not commands('sleep\x00612.5'), 'the command ends: ' + goes)
    eventually(lambda: sql(\"SELECT count(*) FROM dbperf.runs WHERE state = 'active'\") == '0', 'the run is finished: ' + goes)
client = Client('--allow-superuser')
client.begin('compare_migration', migrations=['migrations/slow.sql'], queries='queries')
eventually(lambda: copies() > 0, 'a copy is made')
client.process.kill()
client.process.wait()
eventually(lambda: copies() == 0, 'the copies go')"

try "a call that takes too long is stopped" "
client = Client('--timeout', '1', '--', 'sh', '-c', 'sleep 613.5; true')
assert client.call('run_command') == 'stopped after 1 seconds'
assert not commands('sleep\x00613.5')
assert client.close() == 0"
ok "every run is closed in the end" runs_are_closed
ok "no copy is left in the end" no_temporary_databases

DBPERF_DATABASE_URL="host=/nowhere dbname=x" try "no server: every call says so, the conversation goes on" "
client = Client()
assert 'dbperf: ' in client.call('list_findings')
assert client.ask('ping')['result'] == {}
assert client.close() == 0"

# The protocol's own client.
if [ -d "${MCP_SDK:-}" ] && command -v node >/dev/null; then
    cat >session.mjs <<'END'
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
const from = createRequire(pathToFileURL(process.env.MCP_SDK + '/package.json'));
const load = name => import(pathToFileURL(from.resolve('@modelcontextprotocol/sdk/' + name)));
const { Client } = await load('client/index.js');
const { StdioClientTransport } = await load('client/stdio.js');
const transport = new StdioClientTransport({ command: process.env.DBPERF, args: ['mcp', '--allow-superuser', '--', process.env.application],
    env: { ...process.env }, stderr: 'inherit' });
const client = new Client({ name: 'test', version: '1' });
client.onerror = error => { console.log('error: ' + error); process.exitCode = 1; };
const say = (what, value) => console.log(what + ' ' + JSON.stringify(value));
await client.connect(transport);
say('server', client.getServerVersion());
say('tools', (await client.listTools()).tools.map(tool => tool.name));
const call = async (name, args = {}, options = {}) => {
    const result = await client.callTool({ name, arguments: args }, undefined, options);
    say(name + (result.isError ? ' failed:' : ''), result.isError ? result.content[0].text : JSON.parse(result.content[0].text));
    return JSON.parse(result.content[0].text);
};
await call('run_command', { label: 'sdk' }, { onprogress: progress => say('progress', progress), resetTimeoutOnProgress: true });
const { findings } = await call('list_findings', { run: 'sdk' });
await call('explain_finding', { run: 'sdk', finding: findings[0].id });
await call('compare_migration', { migrations: ['migrations/index.sql'], queries: 'queries', samples: 10 });
await call('advise_indexes', { queries: 'queries' });
const stop = new AbortController();
setTimeout(() => stop.abort('enough'), 300);
await client.callTool({ name: 'compare_migration', arguments: { migrations: ['migrations/slow.sql'], queries: 'queries' } }, undefined, { signal: stop.signal })
    .then(() => { process.exitCode = 1; }, error => say('cancelled', String(error)));
await client.ping();
await client.close();
END
    application=$application node session.mjs >"$work/out" 2>"$work/err"
    status=$?
    ok "the protocol's own client: no error" eval 'ended_with 0 && silent && did_not_say "^error: | failed: "'
    ok "the protocol's own client: finding and evidence" said '^explain_finding .*"parent_relation":"public.example_orders"'
    ok "the protocol's own client: a migration and an index" eval 'said "^compare_migration .*\"verdict\":\"improved\"" && said "^advise_indexes .*\"verdict\":\"proven\""'
    ok "the protocol's own client: cancel" said '^cancelled .*enough'
    [ -z "${MCP_TRANSCRIPT:-}" ] || cp "$work/out" "$MCP_TRANSCRIPT"
    gone() { local i; for ((i = 0; i < 600; i++)); do ! no_temporary_databases || return 0; sleep 0.1; done; return 1; }
    ok "the protocol's own client: no copy is left" gone
else
    skip "the protocol's own client" "no npm to get @modelcontextprotocol/sdk"
fi

done_testing
