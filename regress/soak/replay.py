#!/usr/bin/env python3
"""Replays the queries that failed in a log of the server, to say whether dbperf had a part in it.

A query differs when, executed again, it gives another SQLSTATE with dbperf.enabled = off than with it on, three times in a row and
each side always the same: what hangs on data, on the clock or on other sessions changes by itself, and is counted as unsteady.
Timeouts, cancels and lost connections say nothing. Of the errors that look alike, numbers and quoted names aside, some are taken.
Prints figures; exit code 0 clean, 1 differences.
"""

import argparse
import collections
import json
import re
import sys
import time
from pathlib import Path

import wire

# Canceled, shutting down, locks, serialization, no resources, i/o: of the moment, not of the query.
MOMENTARY = re.compile("57|55P03|40|53|58|08|25P03")
ALIKE = 6


def outcome(session, sql):
    """The SQLSTATE of a query, '' without an error. What it changes is taken back."""
    try:
        session.sql("BEGIN")
        session.sql(sql)
        return ""
    except wire.ServerError as error:
        return error.state
    finally:
        session.sql("ROLLBACK")


def failures(folder):
    """Queries with their error from the server's JSON logs, some of those that look alike."""
    seen, every = collections.Counter(), 0
    states = collections.Counter()
    for file in sorted(Path(folder).glob("*.json")):
        for line in file.read_text(errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                continue
            if entry.get("error_severity") not in ("ERROR", "FATAL", "PANIC") or "statement" not in entry or not entry.get("user", "").startswith("smith"):
                continue
            every += 1
            states[entry["state_code"]] += 1
            if MOMENTARY.match(entry["state_code"]):
                continue
            looks = entry["dbname"], entry["user"], entry["state_code"], re.sub(r"\"[^\"]*\"|'[^']*'|\d+", "?", entry["message"])
            seen[looks] += 1
            if seen[looks] <= ALIKE:
                yield entry
    print(f"# queries that failed: {every}; looking different: {len(seen)}; "
          + ", ".join(f"{state} {amount}" for state, amount in states.most_common(30)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--socket", required=True)
    parser.add_argument("--logs", required=True, help="folder of the server's JSON logs")
    parser.add_argument("--seconds", type=float, default=1e9, help="what is not replayed by then is counted and left out")
    options = parser.parse_args()
    figures, different = collections.Counter(), []
    sessions = {}
    end = time.monotonic() + options.seconds

    def session(entry, observed):
        key = entry["dbname"], entry["user"], observed
        if key not in sessions:
            made = wire.Connection(options.socket, entry["user"], entry["dbname"])
            sessions[key] = made
            made.sql("SET statement_timeout = '5s'; SET client_min_messages = error")
        return sessions[key]

    def ended(entry):
        for observed in (True, False):
            sessions.pop((entry["dbname"], entry["user"], observed), None)

    # enabled is for superusers, so it is set for the role; sessions take it when they begin.
    admin = wire.Connection(options.socket, "postgres", "postgres")
    for entry in failures(options.logs):
        if time.monotonic() > end:
            figures["left out for time"] += 1
            continue
        figures["replayed"] += 1
        try:
            for observed in (True, False):
                if (entry["dbname"], entry["user"], observed) not in sessions:
                    admin.sql(f"ALTER ROLE {entry['user']} SET dbperf.enabled = {'on' if observed else 'off'}")
                    session(entry, observed)
            pairs = []
            for _ in range(3):
                pairs.append((outcome(session(entry, True), entry["statement"]), outcome(session(entry, False), entry["statement"])))
                if pairs[-1][0] == pairs[-1][1]:
                    break
        except (wire.Closed, wire.ServerError, TimeoutError) as error:
            figures["connections lost"] += 1
            ended(entry)
            print(f"# {entry['state_code']} then {error!r}: {entry['statement'][:300]}")
            continue
        if any(MOMENTARY.match(state) for pair in pairs for state in pair if state):
            figures["ended by a timeout or the like"] += 1
        elif pairs[-1][0] == pairs[-1][1]:
            figures["the same" if len(pairs) == 1 and pairs[0][0] == entry["state_code"] else "unsteady, then the same"] += 1
        elif len(set(pairs)) > 1:
            figures["unsteady"] += 1
        else:
            different.append((pairs[0], entry))
    for pair, entry in different[:20]:
        print(f"# DIFFERENT: observed {pair[0] or 'no error'}, not observed {pair[1] or 'no error'}, as {entry['user']} in {entry['dbname']}: {entry['message']}\n    {entry['statement']}")
    print("# " + ", ".join(f"{name}: {amount}" for name, amount in sorted(figures.items())) + f", different: {len(different)}")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
