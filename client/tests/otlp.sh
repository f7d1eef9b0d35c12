# export --otlp: what a collector receives of a run, whether it is OTLP, and collectors that do everything wrong.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
start_server
PATH=$(dirname "$psql"):$PATH
sql -c 'CREATE EXTENSION dbperf' -c 'CREATE TABLE list (id int PRIMARY KEY, item_id int)' -c 'CREATE TABLE thing (id int PRIMARY KEY, name text)' -c 'INSERT INTO list SELECT g, g * 3 FROM generate_series(1, 20) g' -c "INSERT INTO thing SELECT g, 'n' FROM generate_series(1, 100) g"
trace=0af7651916cd43dd8448eb211c80319c span=b7ad6b7169203331
comment="/*controller='orders',file='app%2Flist.py',line='42',traceparent='00-$trace-$span-01'*/"
{
    echo "SELECT id, item_id FROM list ORDER BY id $comment;"
    for i in {1..20}; do echo "SELECT name FROM thing WHERE id = $((i * 3)) $comment;"; done
    echo "SELECT pg_sleep(0.3) $comment; SELECT pg_sleep(0.2) /*traceparent='00-zz-$span-01'*/;"
} >traced.sql
dbperf run --label traced -- "$psql" -Xq -o /dev/null "$server" -f traced.sql
ok "the trace is stored with the plan" [ "$(sql -c "SELECT count(*) FROM dbperf.plans WHERE traceparent = '00-$trace-$span-01'")" -ge 2 ]
ok "and with the N+1" [ "$(sql -c "SELECT traceparent FROM dbperf.n_plus_one WHERE confidence = 'proven'")" = "00-$trace-$span-01" ]
ok "no trace is none" [ "$(sql -c "SELECT count(*) FROM dbperf.plans WHERE traceparent LIKE '%zz%'")" = 0 ]

# A collector of our own: keeps what it gets, or misbehaves as its path says.
cat >collector.py <<'END'
import http.server, json, socket, socketserver, sys, threading, time
kept = open('received', 'a')
tries = {}
class Collector(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        kind = self.path.split('/')[1]
        kept.write(json.dumps({'path': self.path, 'headers': dict(self.headers), 'body': json.loads(body)}) + '\n')
        kept.flush()
        tries[kind] = tries.get(kind, 0) + 1
        if kind == 'hangs': time.sleep(60)
        if kind == 'trickles':
            self.send_response(200); self.end_headers()
            try:
                while True: self.wfile.write(b'x'); self.wfile.flush(); time.sleep(0.2)
            except OSError: return
        if kind == 'floods':
            self.send_response(500); self.end_headers()
            try:
                while True: self.wfile.write(b'x' * 65536)
            except OSError: return
        status, text = {'refuses': (400, '{"message":"no \x1b[31mspans today"}'), 'forbids': (401, 'who are you'), 'fails': (503, 'down'),
                        'moved': (307, ''), 'recovers': (503 if tries[kind] == 1 else 200, '{}'),
                        'part': (200, '{"partialSuccess":{"rejectedSpans":"1","rejectedLogRecords":0,"errorMessage":"too old"}}'),
                        'strange': (200, 'not json')}.get(kind, (200, '{}'))
        if kind == 'closes': self.connection.close(); return
        self.send_response(status)
        if status == 307: self.send_header('Location', 'http://127.0.0.1:1/')
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    def handle_error(self, *_): pass
server = Server(('127.0.0.1', 0), Collector)
silent = socket.socket(); silent.bind(('127.0.0.1', 0)); silent.listen(5)
noise = socket.socket(); noise.bind(('127.0.0.1', 0)); noise.listen(5)
def answer_noise():
    while True:
        peer = noise.accept()[0]
        try: peer.recv(100000); peer.sendall(b'SSH-2.0-x\r\n' * 1000); peer.close()
        except OSError: pass
threading.Thread(target=answer_noise, daemon=True).start()
print(server.server_port, silent.getsockname()[1], noise.getsockname()[1], flush=True)
server.serve_forever()
END
/usr/bin/python3 collector.py >ports 2>/dev/null &
collector=$!
trap '{ kill "$collector" && wait "$collector"; } 2>/dev/null; finish' EXIT
for ((i = 0; i < 200; i++)); do [ ! -s ports ] || break; sleep 0.05; done
read -r port silent noise <ports
url=http://127.0.0.1:$port

OTEL_EXPORTER_OTLP_HEADERS='api-key=a%20b' OTEL_SERVICE_NAME=shop dbperf export --otlp "$url" --run traced
ok "sent" eval 'ended_with 0 && silent && said "^run traced: 3 spans and 1 log record sent to http://127.0.0.1:"'
cat >received.py <<'END'
import json, re, sys
trace, span = sys.argv[1:3]
requests = [json.loads(line) for line in open('received')]
assert [each['path'] for each in requests] == ['/v1/traces', '/v1/logs'], requests
for each in requests:
    assert each['headers']['Content-Type'] == 'application/json' and each['headers']['api-key'] == 'a b'
[resource] = requests[0]['body']['resourceSpans']
assert {'key': 'service.name', 'value': {'stringValue': 'shop'}} in resource['resource']['attributes']
spans = resource['scopeSpans'][0]['spans']
records = requests[1]['body']['resourceLogs'][0]['scopeLogs'][0]['logRecords']

# OTLP's JSON: ids in hex, 64-bit numbers as strings, enumerations as numbers, lowerCamelCase.
def value(v):
    [(kind, inner)] = v.items()
    assert {'stringValue': str, 'intValue': str, 'doubleValue': float, 'boolValue': bool}[kind] is type(inner), v
def attributes(list):
    for each in list:
        assert set(each) == {'key', 'value'} and each['key']
        value(each['value'])
    assert len({each['key'] for each in list}) == len(list)
    return {each['key']: next(iter(each['value'].values())) for each in list}
def time(text): assert re.fullmatch(r'[0-9]{19}', text), text
known = {'traceId', 'spanId', 'parentSpanId', 'flags', 'name', 'kind', 'startTimeUnixNano', 'endTimeUnixNano', 'attributes', 'links', 'status'}
for each in spans:
    assert set(each) <= known, set(each) - known
    assert re.fullmatch('[0-9a-f]{32}', each['traceId']) and re.fullmatch('[0-9a-f]{16}', each['spanId']) and each['kind'] in (1, 2)
    time(each['startTimeUnixNano']); time(each['endTimeUnixNano'])
    assert int(each['startTimeUnixNano']) <= int(each['endTimeUnixNano'])
    attributes(each['attributes'])
known = {'timeUnixNano', 'observedTimeUnixNano', 'severityNumber', 'severityText', 'eventName', 'body', 'attributes', 'flags', 'traceId', 'spanId'}
for each in records:
    assert set(each) <= known
    time(each['timeUnixNano']); value(each['body']); attributes(each['attributes'])
    assert each['severityNumber'] in (9, 13, 17)

root = spans[0]
assert 'parentSpanId' not in root and root['name'] == 'dbperf run traced'
[loop] = [each for each in spans if each['name'] == 'dbperf n_plus_one']
assert (loop['traceId'], loop['parentSpanId']) == (trace, span) and loop['links'][0]['traceId'] == root['traceId'], loop
facts = attributes(loop['attributes'])
assert facts['code.file.path'] == 'app/list.py' and facts['code.line.number'] == '42' and facts['dbperf.finding.calls'] == '20', facts
assert loop['status']['code'] == 2
sleeps = sorted((each for each in spans if 'pg_sleep' in each['name']), key=lambda each: each['traceId'] != trace)
assert (sleeps[0]['traceId'], sleeps[0]['parentSpanId']) == (trace, span), sleeps
assert int(sleeps[0]['endTimeUnixNano']) - int(sleeps[0]['startTimeUnixNano']) >= 299000000
assert json.loads(attributes(sleeps[0]['attributes'])['dbperf.plan.json'])[0]['Plan']['Node Type'] == 'Result'
record = [each for each in records if 'proven' in each['body']['stringValue']][0]
assert record['traceId'] == trace and record['spanId'] == loop['spanId'] and record['severityNumber'] == 17
END
/usr/bin/python3 received.py "$trace" "$span" >"$work/out" 2>"$work/err"
status=$?
ok "received: OTLP, and in the trace of the request" ended_with 0
cp received first
: >received
dbperf export --otlp "$url/" --run traced --format json
ok "JSON: how many" eval 'ended_with 0 && said "\"spans\": 3"'
same() { /usr/bin/python3 -c 'import json
a, b = [[json.dumps(json.loads(line)["body"]).replace("\"shop\"", "\"\"").replace("\"dbperf\"", "\"\"") for line in open(name)] for name in ("first", "received")]
assert a == b'; }
ok "sent again it is the same" same

sends() { dbperf export --otlp "$url/$1" --run traced; }
sends refuses
failed_with "4xx" 3 "/refuses/v1/traces answers 400: .*no  ?.31mspans today"
ok "4xx: no control character of the collector's" eval '! grep -q $'"'\\\\x1b'"' "$work/err"'
sends forbids
failed_with "401" 3 'answers 401: who are you' 'OTEL_EXPORTER_OTLP_HEADERS'
: >received
sends fails
failed_with "5xx" 3 'answers 503: down'
ok "5xx: tried twice" [ "$(wc -l <received)" = 2 ]
sends recovers
ok "5xx, then 200" eval 'ended_with 0 && silent'
sends moved
failed_with "redirected" 3 'answers 307'
sends closes
failed_with "no answer" 3 'cannot send to .*: the connection ended before the answer' 'is a collector there'
sends part
ok "a part is refused: a warning" eval 'ended_with 0 && complained "warning: the collector refused some: rejectedSpans .*1.*: too old"'
sends strange
ok "an answer that is no JSON" eval 'ended_with 0 && silent'
sends floods
failed_with "an answer without end" 3 'answers 500: xxx'
sends hangs
failed_with "a collector that hangs" 3 'no answer within 10 seconds'
sends trickles
ok "a collector that trickles" eval 'ended_with 3 && complained "no answer within 10 seconds"'
dbperf export --otlp "http://127.0.0.1:$silent" --run traced
failed_with "one that takes a connection and is silent" 3 'no answer within 10 seconds'
dbperf export --otlp "http://127.0.0.1:$noise" --run traced
failed_with "one that speaks no HTTP" 3 'cannot send to'
dbperf export --otlp http://127.0.0.1:1 --run traced
failed_with "refused" 3 'cannot send to http://127.0.0.1:1/v1/traces: no connection' 'is a collector there'
: >received
interrupt_when INT '[ -s received ]' export --otlp "$url/hangs" --run traced
ok "interrupted while it hangs" ended_with 130
dbperf export --otlp localhost:4318
failed_with "no URL" 2 'begins with neither http:// nor https://' 'http://localhost:4318'
dbperf export --otlp http://u:secret@a:1
failed_with "a URL with a password" 2 'the URL has a user' 'OTEL_EXPORTER_OTLP_HEADERS|http://localhost'
ok "a URL with a password: it is not shown" eval '! grep -q secret "$work/err"'
OTEL_EXPORTER_OTLP_HEADERS='api-key' dbperf export --otlp "$url"
failed_with "wrong headers" 2 'OTEL_EXPORTER_OTLP_HEADERS is no list'
dbperf export --otlp "$url" --listen 1
failed_with "and --listen" 2 'either --otlp'
dbperf export --otlp "$url" --run nowhere
failed_with "no such run" 3 'no run is labelled "nowhere"'

# Many: several requests.
sql -c "SELECT dbperf.start_run('many')" -c "SELECT dbperf.finish_run()" >/dev/null
sql -c "INSERT INTO dbperf.plan (project, run_id, database, role, fingerprint, shape, reason, aborted, top_level, timed, captured_at, exec_ms, rows, plan, shared_blks_hit, shared_blks_read, shared_blks_dirtied, shared_blks_written, temp_blks_read, temp_blks_written, wal_bytes)
    SELECT r.project, r.run_id, 'postgres', 'postgres', g, g, 'all', false, true, false, now(), 1000, 1, '[]', 0, 0, 0, 0, 0, 0, 0 FROM dbperf.run r, generate_series(1, 1500) g WHERE label = 'many'"
: >received
dbperf export --otlp "$url" --run many
ok "the slowest 1,000, in several requests" eval 'said "1,001 spans" && [ "$(wc -l <received)" = 6 ]'

# A collector that is none of ours: it answers what it received.
if [ -d "${OTLP_COLLECTOR:-}" ] && [ -d "${MCP_SDK:-}" ] && command -v node >/dev/null; then
    cat >real.mjs <<'END'
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { pathToFileURL } from 'node:url';
const from = createRequire(pathToFileURL(process.env.MCP_SDK + '/package.json'));
const load = name => import(pathToFileURL(from.resolve('@modelcontextprotocol/sdk/' + name)));
const { Client } = await load('client/index.js');
const { StdioClientTransport } = await load('client/stdio.js');
const port = await new Promise(resolve => { const server = createServer().listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => resolve(port)); }); });
const client = new Client({ name: 'test', version: '1' });
await client.connect(new StdioClientTransport({ command: 'node', args: [process.env.OTLP_COLLECTOR + '/dist/server.js', '--collector-port', String(port)],
    env: { ...process.env }, stderr: 'ignore' }));
const ask = async (name, args) => {
    const text = (await client.callTool({ name, arguments: args })).content[0].text;
    console.log(name + ' ' + text);
};
console.log(execFileSync(process.env.DBPERF, ['export', '--otlp', 'http://127.0.0.1:' + port, '--run', 'traced'], { encoding: 'utf8' }).trim());
await ask('list_services', {});
await ask('get_trace', { traceId: process.env.trace });
await ask('search_logs', { traceId: process.env.trace });
await client.close();
END
    export DBPERF trace
    OTEL_SERVICE_NAME=shop timeout 120 node real.mjs >"$work/out" 2>"$work/err"
    status=$?
    flat() { tr -d '\n' <"$work/out" | tr -s ' '; }
    ok "another collector: takes it" eval 'ended_with 0 && said "3 spans and 1 log record sent"'
    ok "another collector: the finding in the trace of the request" eval 'flat | grep -qE "get_trace .*dbperf n_plus_one.*search_logs"'
    ok "another collector: the record of the finding" eval 'flat | grep -qE "search_logs .*proven: executed 20 times"'
    [ -z "${OTLP_TRANSCRIPT:-}" ] || cp "$work/out" "$OTLP_TRANSCRIPT"
else
    skip "another collector" "no npm to get autotel-mcp"
fi

done_testing
