# What is being observed now, and what each statement gets for it: the unit of work by SET, the line of the application by a
# comment. Knows no driver.
import contextlib
import itertools
import re
import sys
import sysconfig
import threading
from collections import Counter
from urllib.parse import quote

PAUSED = ""  # no unit: fixtures, factories, set-up

_libraries = tuple({sysconfig.get_path(name) + "/" for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_own = __file__.rpartition("/")[0] + "/"
_not_counted = re.compile(rb"\s*(BEGIN|START|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|SET|RESET|SHOW|DISCARD)\b", re.I)
_rolls_back = re.compile(rb"\s*(ROLLBACK|ABORT)\b", re.I)
_sqlcommenter = re.compile(rb"='(?:[^'\\]|\\.)*'\s*\*/[\s;]*\Z")
_has_line = re.compile(rb"\b(source_location|file|code\.file\.path|code\.filepath)='[^']*'(?:,[^*]*)?\s*\*/[\s;]*\Z")

root = "/"
lease = None  # whose database is observed
unit_name = PAUSED
serial = 0  # of each time that a unit was begun
_serials = itertools.count(1)
units = []  # names since the test began
statements = Counter()  # (site, text): executions since then
stacks = {}  # of each of them, one
orms = {}  # site: the mapper that executed there
_verdicts = {}
_lock = threading.Lock()


def shortened(name):
    """The server takes 127 bytes; the end says most."""
    bytes_of_it = name.replace("\0", "").encode(errors="replace")
    return name if len(bytes_of_it) <= 120 else "..." + bytes_of_it[-117:].decode(errors="ignore")


def begin(name):
    global unit_name, serial
    name = shortened(name)
    with _lock:
        units.clear()
        statements.clear()
        stacks.clear()
        unit_name, serial = name, next(_serials)
        if name:
            units.append(name)


@contextlib.contextmanager
def unit(name):
    """Statements in it are of the unit of work `name`: a request, a job."""
    global unit_name, serial
    name = shortened(name)
    before = unit_name, serial
    if unit_name is not PAUSED:
        unit_name, serial = name, next(_serials)
        if name not in units:
            units.append(name)
    try:
        yield
    finally:
        unit_name, serial = before


@contextlib.contextmanager
def pause():
    """What prepares a test is neither judged nor counted."""
    global unit_name
    before, unit_name = unit_name, PAUSED
    try:
        yield
    finally:
        unit_name = before


def is_application(path):
    verdict = _verdicts.get(path)
    if verdict is None:
        inside = "/site-packages/" in path or "/dist-packages/" in path or path.startswith((*_libraries, _own, "<"))
        verdict = _verdicts[path] = not inside
    return verdict


def call_site():
    """file:line of the first frame that is of no library, and that frame; notes whose mapper is between."""
    frame = sys._getframe(3)
    mapper = None
    while frame is not None:
        path = frame.f_code.co_filename
        if is_application(path):
            site = place_of(frame)
            if mapper and site not in orms:
                orms[site] = mapper
            return site, frame
        if mapper is None:
            module = frame.f_globals.get("__name__", "")
            if module.startswith("django.db.models."):
                mapper = "django"
            elif module.startswith("sqlalchemy.orm."):
                mapper = "sqlalchemy"
        frame = frame.f_back
    return None, None


def place_of(frame):
    path = frame.f_code.co_filename
    return (path[len(root) :] if path.startswith(root) else path) + ":" + str(frame.f_lineno)


def stack_of(frame):
    """Places of the application, innermost first."""
    places = []
    while frame is not None and len(places) < 8:
        if is_application(frame.f_code.co_filename):
            place = place_of(frame)
            if not places or places[-1] != place:  # a comprehension has a frame of its own
                places.append(place)
        frame = frame.f_back
    return places


def loop_of(site):
    """The line of the loop, the lines below it, the lines above it: one that executes several statements is a function that all use."""
    of_site = [(count, text) for (place, text), count in statements.items() if place == site]
    if not of_site:
        return site, [], []
    places = stacks.get((site, max(of_site, key=lambda one: one[0])[1]), [site])
    texts = {}
    for (_, text), stack in stacks.items():
        for place in stack:
            texts.setdefault(place, set()).add(text)
    for i, place in enumerate(places):
        if len(texts.get(place, ())) < 2:
            return place, places[:i], places[i + 1 :]
    return places[0], [], places[1:]


def comment(text, site, is_template=False):
    """The statement with the line in its comment: one text for each line, so that prepared statements stay prepared."""
    # What does not fit into what the server keeps loses its beginning.
    pair = b"source_location='" + quote(site[-90:], safe="/._-").encode() + b"'"
    if is_template:  # the driver puts values where % is
        pair = pair.replace(b"%", b"%%")
    if _sqlcommenter.search(text):
        if _has_line.search(text):
            return text
        end = text.rindex(b"*/")
        return text[:end].rstrip() + b"," + pair + text[end:]
    text = text.rstrip(b" \t\r\n;")
    last_line = text[text.rfind(b"\n") + 1 :]
    return text + (b"\n" if b"--" in last_line else b" ") + b"/*" + pair + b"*/"


def observe(text, is_template=False, times=1, written=None):
    """For each statement in the leased database: its text as it is to be sent. `written`: before values were put in."""
    if lease is not None:
        lease.touched = True
    if unit_name is PAUSED or _not_counted.match(text):
        return text
    site, frame = call_site()
    key = (site, written if isinstance(written, (str, bytes)) else text) if len(statements) < 10000 else (None, "others")
    statements[key] += times
    if statements[key] in (1, 5) and frame is not None:
        stacks[key] = stack_of(frame)
    return comment(text, site, is_template) if site else text


def rolls_back(text):
    return _rolls_back.match(text) is not None


def state():
    return unit_name, serial if unit_name is not PAUSED else 0


def state_to_send(known):
    """What tells a session of the unit that is current now; None when it knows."""
    if known == state():
        return None
    if unit_name is PAUSED:
        return ["SET dbperf.scope = ''", "SET dbperf.n_plus_one = off"]
    # The name before the switch: what was executed between them would be of no unit. The same name again is another time.
    again = ["SET dbperf.scope = ''"] if known and known[0] == unit_name else []
    return [*again, "SET dbperf.scope = " + literal(unit_name), "SET dbperf.n_plus_one = on"]


def literal(value):
    value = value.replace("\0", "")
    return (" E'" if "\\" in value else "'") + value.replace("\\", "\\\\").replace("'", "''") + "'"
