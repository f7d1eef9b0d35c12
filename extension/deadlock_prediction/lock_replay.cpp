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

// For dbperf.pause_before_lock: before which row, or after how many locks, the member stops within its statement. Null
// when both locks are taken by one query or command, and are seen when it is over.
char *pause_of(const StoredTrace &trace, const CycleMember &member) {
    const std::span<const LockStep> steps = trace.parts.steps;
    const LockStep &requested = steps[member.requested];
    if (requested.kind == LockKind::row) {
        unsigned occurrence = 0;
        for (size_t i = 0; i <= member.requested; ++i)
            occurrence += same_request(steps[i], requested) ? 1 : 0;
        return psprintf(UINT64_FORMAT "/%u/0", requested.resource, occurrence);
    }
    // Other locks are seen when they are taken: it stops before what takes them begins. What it had from before the
    // transaction, it does not have now.
    size_t first = member.requested;
    while (first > 0 && steps[first - 1].statement == requested.statement)
        --first;
    if (member.held >= first)
        return nullptr;
    const auto before = std::count_if(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(first),
                                      [](const LockStep &step) { return step.sent == script::not_kept; });
    return psprintf("0/0/%u", static_cast<unsigned>(first) - static_cast<unsigned>(before));
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
                bool possible) {
    const LockStep &held = trace.parts.steps[member.held], &requested = trace.parts.steps[member.requested];
    const bool by_commit = requested.sent == script::by_commit;
    appendStringInfo(json, "{\"member\": %u, ", number + 1);
    const char *end = add_script(json, trace, requested.sent);
    const bool at_once = held.sent == requested.sent;
    const char *pause = at_once ? pause_of(trace, member) : nullptr;
    const bool is_gated = at_once && !pause;
    const char *reason = nullptr;
    if (possible)
        reason = "with what was seen it does not meet the others";
    else if (!end)
        reason = "its statements were not kept: set dbperf.keep_parameters = on in the run";
    else if (requested.sent == script::not_kept || (by_commit && end[0] != '\0'))
        reason = end[0] != '\0' ? end : "a lock was not taken by a statement of the client";
    else if (held.sent == script::not_kept)
        reason = "it held a lock from before the transaction";
    else if (is_gated && !gate)
        reason = "nothing can stop it between the two locks of one statement";
    appendStringInfo(json, ", \"isolation\": \"%s\", \"by_commit\": %s, ", isolation_name(trace.header.isolation),
                     by_commit ? "true" : "false");
    add_text(json, "pause", pause);
    appendStringInfoString(json, ", ");
    add_text(json, "gate", is_gated ? gate : nullptr);
    appendStringInfoString(json, ", ");
    add_text(json, "not_replayable", reason);
    appendStringInfoChar(json, '}');
}

} // namespace dbperf::deadlock_prediction::lock_replay
