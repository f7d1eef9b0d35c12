# Whether what was found fails a test, and what it is told then.
import contextlib
import re
import sys
from urllib.parse import unquote

from . import observer
from .mapper_words import mapper_words


def site_of(finding):
    """file:line of a finding's comment."""
    pairs = dict(re.findall(r"([\w.%]+)='((?:[^'\\]|\\.)*)'", finding["call_site"] or ""))
    if "source_location" in pairs:
        return unquote(pairs["source_location"])
    file = pairs.get("code.file.path") or pairs.get("code.filepath") or pairs.get("file")
    line = pairs.get("code.line.number") or pairs.get("code.lineno") or pairs.get("line")
    return ":".join(unquote(part) for part in (file, line) if part) or None


def edge_of(finding):
    if not finding["parent_column"]:
        return finding["key_column"] or ""
    parent = ".".join(part for part in (finding["parent_relation"], finding["parent_column"]) if part)
    return f"{parent.removeprefix('public.')} -> {finding['key_column']}"


def describe(finding):
    site = site_of(finding)
    what = "the same statement, again and again" if finding["kind"] == "redundant" else {
        "n_plus_one": "N+1", "n_plus_one_write": "N+1 of writes", "server_loop": "N+1 inside the server"}[finding["kind"]]
    calls, keys = finding["calls"], finding["keys"]
    head = f"{what}: {calls} executions of one statement"
    if finding["kind"] != "redundant":
        head += f", {keys} different keys"
    place, below, above = observer.loop_of(site)
    lines = [(f"{place}: " if place else "") + head + ("" if finding["confidence"] == "proven" else f" ({finding['confidence']})")]
    lines.append(f"  statement  {one_line(finding['query'])}")
    if edge_of(finding):
        lines.append(f"  key        {edge_of(finding)}")
    if finding["parent_query"]:
        lines.append(f"  keys from  {one_line(finding['parent_query'])}")
    words = mapper_words(observer.orms.get(site), finding)
    if words:
        lines.append(f"  instead    {words}")
    if finding["suggestion"]:
        lines.append(f"  {'in SQL' if words else 'instead'}{'     ' if words else '    '}{one_line(finding['suggestion'])}")
    if below:
        lines.append(f"  executed   {', '.join(below[:3])}")
    if above:
        lines.append(f"  called at  {', '.join(above[:3])}")
    lines.append(f"  in         {finding['unit']}")
    return "\n".join(lines)


def one_line(text):
    text = " ".join((text or "").split())
    return text if len(text) <= 300 else text[:297] + "..."


def as_text(statement):
    return statement.decode(errors="replace") if isinstance(statement, bytes) else str(statement)


def is_allowed(finding, allowed):
    """`allowed`: True, a reason, or a list of parts of a statement, an edge or a file:line."""
    if not isinstance(allowed, (list, tuple, set)):
        return bool(allowed)
    place, below, _ = observer.loop_of(site_of(finding))
    text = "\n".join(filter(None, (finding["query"], edge_of(finding), place, *below)))
    return any(part in text for part in allowed)


def unused(findings, allowed):
    """What of the allowance nothing needs."""
    if not allowed:
        return []
    if not isinstance(allowed, (list, tuple, set)):
        return [] if findings else ["allow_n_plus_one"]
    return [f"allow_n_plus_one {part!r}" for part in allowed if not any(is_allowed(f, [part]) for f in findings)]


class Verdict:
    def __init__(self, findings, statements, max_statements=None, allow_n_plus_one=None):
        gates = [f for f in findings if f["confidence"] in ("proven", "likely")]
        parts = [describe(f) for f in gates if not is_allowed(f, allow_n_plus_one)]
        total = sum(statements.values())
        if max_statements is not None and total > max_statements:
            most = statements.most_common(10)
            site = most[0][0][0]
            rows = [f"  {count:5} x  {site or ''}  {one_line(as_text(text))[:160]}" for (site, text), count in most]
            parts.append((f"{site}: " if site else "") + f"{total} statements, at most {max_statements} are allowed\n" + "\n".join(rows))
        self.text = "\n\n".join(parts)
        self.unneeded = unused(gates, allow_n_plus_one)


def judge(max_statements=None, allow_n_plus_one=None):
    """What the statements since observer.begin() amount to."""
    if not observer.statements or observer.lease is None:
        return Verdict([], {}, None, allow_n_plus_one)
    return Verdict(observer.lease.ask(observer.units), observer.statements, max_statements, allow_n_plus_one)


@contextlib.contextmanager
def check(name=None, *, max_statements=None, allow_n_plus_one=None):
    """A block that is a unit of work of its own: AssertionError if it has an N+1, or more statements than allowed."""
    __tracebackhide__ = True
    if observer.unit_name is observer.PAUSED:
        raise RuntimeError("dbperf.check() is for the body of a test")
    if name is None:
        frame = sys._getframe(2)
        name = f"{frame.f_code.co_name}:{frame.f_lineno}"
    name = observer.shortened(name)
    before = observer.statements.copy()
    with observer.unit(name):
        yield
    executed = observer.statements - before
    if executed:
        # What the block is told, the test is not told again.
        observer.units[:] = [unit for unit in observer.units if unit != name]
        verdict = Verdict(observer.lease.ask([name]), executed, max_statements, allow_n_plus_one)
        if verdict.text:
            raise AssertionError("\n" + verdict.text)
