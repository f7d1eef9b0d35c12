#include "core/pg.h"

#include "statistics/explain_line.h"

#include "core/compat.h"
#include "statistics/session_statistics.h"

namespace dbperf::statistics::explain_line {
using namespace core;

namespace {

ExplainOneQuery_hook_type next_explain = nullptr;

constexpr const char *label = "Imported Statistics";

// The end of the object that holds the plan, which the server has closed already, without what closes it.
void open_object_again(StringInfo text, const char *closing, StringInfo end) {
    const int length = static_cast<int>(strlen(closing));
    int at = text->len - length;
    if (at < 0 || strncmp(text->data + at, closing, static_cast<size_t>(length)) != 0)
        return;
    while (at > 0 && text->data[at - 1] == ' ')
        --at;
    if (at > 0 && text->data[at - 1] == '\n' && closing[0] == '}')
        --at;
    appendStringInfoString(end, text->data + at);
    text->len = at;
    text->data[at] = '\0';
}

void append_xml(StringInfo text, const char *value) {
    for (; *value != '\0'; ++value)
        if (*value == '<' || *value == '>' || *value == '&')
            appendStringInfo(text, "&#%d;", *value);
        else
            appendStringInfoChar(text, *value);
}

void add_line(ExplainState *state, const char *name) {
    StringInfoData end;
    initStringInfo(&end);
    switch (state->format) {
    case EXPLAIN_FORMAT_TEXT:
        appendStringInfo(state->str, "%s: %s\n", label, name);
        break;
    case EXPLAIN_FORMAT_JSON:
        open_object_again(state->str, "}", &end);
        if (end.len > 0) {
            appendStringInfo(state->str, ",\n    \"%s\": ", label);
            escape_json(state->str, name);
            appendStringInfoString(state->str, end.data);
        }
        break;
    case EXPLAIN_FORMAT_YAML:
        appendStringInfo(state->str, "\n  %s: ", label);
        escape_json(state->str, name);
        break;
    case EXPLAIN_FORMAT_XML:
        open_object_again(state->str, "</Query>\n", &end);
        if (end.len > 0) {
            appendStringInfoString(state->str, "    <Imported-Statistics>");
            append_xml(state->str, name);
            appendStringInfo(state->str, "</Imported-Statistics>\n%s", end.data);
        }
        break;
    }
}

template <typename... Arguments>
void explain(Query *query, int options, IntoClause *into, ExplainState *state, Arguments... arguments) {
    const uint64 before = session_statistics::uses;
    if (next_explain)
        next_explain(query, options, into, state, arguments...);
    else
        compat::explain_query(query, options, into, state, arguments...);
    if (session_statistics::active && session_statistics::uses != before)
        add_line(state, session_statistics::name());
}

} // namespace

void install() {
    next_explain = ExplainOneQuery_hook;
    ExplainOneQuery_hook = explain;
}

} // namespace dbperf::statistics::explain_line
