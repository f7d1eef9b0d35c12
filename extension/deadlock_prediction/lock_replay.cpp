#include "core/pg.h"

#include "deadlock_prediction/lock_replay.h"

#include <algorithm>

#include "deadlock_prediction/lock_trace_script.h"
#include "statements/query_text.h"

namespace dbperf::deadlock_prediction::lock_replay {
using namespace statements;

namespace {

namespace script = lock_trace::script;

// The parts of a script, one by one; see lock_trace_script.h.
struct Reader {
    std::string_view rest;
    int32 encoding;

    bool is_last() const { return rest.find('\0') + 1 >= rest.size(); }
    const char *take(size_t *length) {
        const size_t end = rest.find('\0');
        if (end == std::string_view::npos)
            return nullptr;
        const char *part = rest.data();
        *length = end;
        rest.remove_prefix(end + 1);
        return part;
    }
    const char *take() {
        size_t length;
        const char *part = take(&length);
        return part ? query_text::to_this_encoding(part, length, encoding) : pstrdup("");
    }
};

void add_parameters(StringInfo json, Reader *reader) {
    const int count = atoi(reader->take());
    StringInfoData values;
    initStringInfo(&values);
    appendStringInfoString(json, ", \"types\": [");
    for (int i = 0; i < count && !reader->is_last(); ++i) {
        appendStringInfoString(json, i > 0 ? ", " : "");
        escape_json(json, reader->take());
        const char *value = reader->take();
        appendStringInfoString(&values, i > 0 ? ", " : "");
        if (value[0] == 'v')
            escape_json(&values, value + 1);
        else
            appendStringInfoString(&values, "null");
    }
    appendStringInfo(json, "], \"values\": [%s]", values.data);
}

// What of the session holds for a statement; as before where it says so.
void add_session(StringInfo json, Reader *reader, const char **session) {
    if (reader->take()[0] == '+') {
        StringInfoData made;
        initStringInfo(&made);
        add_text(&made, "role", reader->take());
        appendStringInfoString(&made, ", ");
        add_text(&made, "search_path", reader->take());
        appendStringInfoString(&made, ", \"settings\": {");
        const int count = atoi(reader->take());
        for (int i = 0; i < count && !reader->is_last(); ++i) {
            appendStringInfoString(&made, i > 0 ? ", " : "");
            escape_json(&made, reader->take());
            appendStringInfoString(&made, ": ");
            escape_json(&made, reader->take());
        }
        appendStringInfoChar(&made, '}');
        *session = made.data;
    }
    appendStringInfo(json, "%s, ", *session);
}

// Returns why the script ends, "" when it does not, null if none.
const char *add_script(StringInfo json, const StoredTrace &trace, int most) {
    Reader reader{trace.parts.script, trace.header.encoding};
    const bool kept = !reader.rest.empty();
    const char *path = kept ? reader.take() : nullptr;
    const char *role = kept ? reader.take() : nullptr;
    add_text(json, "search_path", path);
    appendStringInfoString(json, ", ");
    add_text(json, "run_by", role);
    appendStringInfoString(json, ", \"statements\": [");
    const char *session = "\"role\": null";
    for (int i = 0; kept && !reader.is_last(); ++i) {
        StringInfoData statement;
        initStringInfo(&statement);
        appendStringInfoString(&statement, i > 0 ? ", {" : "{");
        add_session(&statement, &reader, &session);
        add_text(&statement, "query", reader.take());
        add_parameters(&statement, &reader);
        appendStringInfoChar(&statement, '}');
        if (i < most)
            appendStringInfoString(json, statement.data);
    }
    appendStringInfoChar(json, ']');
    return kept ? reader.take() : nullptr;
}

bool same_request(const LockStep &a, const LockStep &b) {
    return a.kind == b.kind && a.resource == b.resource;
}

char *before_row(std::span<const LockStep> steps, uint16 number) {
    const auto occurrence = std::count_if(steps.begin(), steps.begin() + number + 1,
                                          [&](const LockStep &step) { return same_request(step, steps[number]); });
    return psprintf(UINT64_FORMAT "/%u/0", steps[number].resource, static_cast<unsigned>(occurrence));
}

// Where a member stops within its statement, for dbperf.pause_before_lock.
struct Stop {
    char *pause; // null: it cannot
    bool holds;  // then it has the lock that it is to hold; else it stops before that
};

Stop stop_of(const StoredTrace &trace, const CycleMember &member) {
    const std::span<const LockStep> steps = trace.parts.steps;
    const LockStep &requested = steps[member.requested];
    if (requested.kind == LockKind::row) {
        const bool together = std::all_of(steps.begin() + member.held + 1, steps.begin() + member.requested + 1,
                                          [](const LockStep &step) { return step.with_previous; });
        if (!together)
            return {before_row(steps, member.requested), true};
        return {steps[member.held].kind == LockKind::row ? before_row(steps, member.held) : nullptr, false};
    }
    if (steps[member.held].followed)
        return {psprintf(UINT64_FORMAT "/%u/0", steps[member.held].resource,
                         static_cast<unsigned>(steps[member.held].mode)),
                true};
    // Other locks are seen when they are taken: it stops before what takes them begins. What it had from before the
    // transaction, it does not have now.
    size_t first = member.requested;
    while (first > 0 && steps[first - 1].statement == requested.statement)
        --first;
    if (member.held >= first)
        return {nullptr, false};
    const auto before = std::count_if(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(first),
                                      [](const LockStep &step) { return step.sent == script::not_kept; });
    return {psprintf("0/0/%u", static_cast<unsigned>(first) - static_cast<unsigned>(before)), true};
}

const char *isolation_name(uint8 level) {
    switch (level) {
    case XACT_READ_UNCOMMITTED:
        return "READ UNCOMMITTED";
    case XACT_REPEATABLE_READ:
        return "REPEATABLE READ";
    case XACT_SERIALIZABLE:
        return "SERIALIZABLE";
    default:
        return "READ COMMITTED";
    }
}

} // namespace

void add_text(StringInfo json, const char *name, const char *value) {
    appendStringInfo(json, "\"%s\": ", name);
    if (value)
        escape_json(json, value);
    else
        appendStringInfoString(json, "null");
}

void add_member(StringInfo json, const StoredTrace &trace, uint32 number, const CycleMember &member, const char *gate,
                bool possible, bool migrates) {
    const LockStep &held = trace.parts.steps[member.held], &requested = trace.parts.steps[member.requested];
    const bool by_commit = requested.sent == script::by_commit;
    appendStringInfo(json, "{\"member\": %u, ", number + 1);
    const char *end = add_script(json, trace, requested.sent);
    const bool at_once = held.sent == requested.sent;
    const Stop stop = at_once ? stop_of(trace, member) : Stop{nullptr, true};
    const bool needs_gate = at_once && !stop.holds;
    const char *reason = nullptr;
    if (possible)
        reason = "with what was seen it does not meet the others";
    else if (!end)
        reason = "its statements were not kept: set dbperf.keep_parameters = on in the run";
    else if (requested.sent == script::not_kept || (by_commit && end[0] != '\0'))
        reason = end[0] != '\0' ? end : "a lock was not taken by a statement of the client";
    else if (held.sent == script::not_kept)
        reason = "it held a lock from before the transaction";
    else if (needs_gate && !stop.pause && !gate)
        reason = "nothing can stop it between the two locks of one statement";
    appendStringInfo(json, ", \"isolation\": \"%s\", \"by_commit\": %s, ", isolation_name(trace.header.isolation),
                     by_commit ? "true" : "false");
    add_text(json, "pause", stop.pause);
    appendStringInfo(json, ", \"holds\": %s, ", stop.holds ? "true" : "false");
    add_text(json, "gate", needs_gate ? gate : nullptr);
    // By what dbperf.pause_before_lock knows the two when they are rows.
    appendStringInfo(json, ", \"watched\": \"" UINT64_FORMAT "/" UINT64_FORMAT "\", ",
                     held.kind == LockKind::row ? held.resource : 0,
                     requested.kind == LockKind::row ? requested.resource : 0);
    if (migrates)
        appendStringInfoString(json, "\"migrates\": true, ");
    add_text(json, "not_replayable", reason);
    appendStringInfoChar(json, '}');
}

} // namespace dbperf::deadlock_prediction::lock_replay
