#include "core/pg.h"

#include "deadlock_prediction/lock_trace_script.h"

#include <algorithm>
#include <array>

#include "core/captured_role.h"
#include "core/guard.h"
#include "core/settings.h"
#include "statements/parameter_text.h"
#include "statements/statement_identity.h"

namespace dbperf::deadlock_prediction::lock_trace::script {
using namespace core;
using namespace statements;

namespace {

constexpr size_t max_bytes = 8192;
constexpr size_t room_for_reason = 128;
constexpr uint8_t max_statements = 32;

std::array<char, max_bytes + room_for_reason> texts;
size_t used = 0;
std::string_view session; // the last one, in texts
uint8_t count = 0;
bool keeps = false;
bool in_command = false; // whose queries are its own doing
std::string_view end;    // why nothing more is kept

bool put(std::string_view part) {
    if (used + part.size() + 1 > max_bytes || part.find('\0') != std::string_view::npos)
        return false;
    memcpy(texts.data() + used, part.data(), part.size());
    used += part.size();
    texts[used++] = '\0';
    return true;
}

void stop(std::string_view reason) {
    if (end.empty())
        end = reason;
    sent = not_kept;
}

bool put_bytes(const StringInfoData &bytes) {
    const auto length = static_cast<size_t>(bytes.len);
    const bool fits = used + length <= max_bytes;
    if (fits) {
        memcpy(texts.data() + used, bytes.data, length);
        used += length;
    }
    pfree(bytes.data);
    return fits;
}

const char *path_now() {
    return namespace_search_path ? namespace_search_path : "";
}

// May raise.
bool put_first() {
    const char *role = GetUserNameFromId(GetUserId(), true);
    return role && put(path_now()) && put(role);
}

// As whom, and under which settings: both may change from one statement to the next. May raise.
bool put_session() {
    const char *role = GetUserNameFromId(GetUserId(), true);
    if (!role)
        return false;
    StringInfoData settings, whole;
    initStringInfo(&settings);
    initStringInfo(&whole);
    captured_role::append_settings(&settings);
    const auto parts = std::count(settings.data, settings.data + settings.len, '\0');
    char number[16];
    snprintf(number, sizeof(number), "%d", static_cast<int>(parts / 2));
    for (const char *part : {"+", role, path_now(), static_cast<const char *>(number)})
        appendBinaryStringInfo(&whole, part, static_cast<int>(strlen(part)) + 1);
    appendBinaryStringInfo(&whole, settings.data, settings.len);
    pfree(settings.data);
    const auto length = static_cast<size_t>(whole.len);
    if (session == std::string_view(whole.data, length)) {
        pfree(whole.data);
        return put("=");
    }
    const size_t before = used;
    if (!put_bytes(whole))
        return false;
    session = {texts.data() + before, length};
    return true;
}

// May raise.
bool put_statement(std::string_view statement, ParamListInfo parameters) {
    const int values = parameters ? parameters->numParams : 0;
    char number[16];
    snprintf(number, sizeof(number), "%d", values);
    if (!put(statement) || !put(number))
        return false;
    if (values == 0)
        return true;
    StringInfoData texts_of_values;
    initStringInfo(&texts_of_values);
    parameter_text::append(&texts_of_values, parameters, max_bytes);
    return put_bytes(texts_of_values);
}

void add(std::string_view statement, ParamListInfo parameters) {
    if (!end.empty())
        return stop(end);
    if (count == max_statements)
        return stop("the transaction has more than 32 statements before that");
    const size_t before = used;
    const std::string_view session_before = session;
    bool fits = false;
    // A cancel that arrives meanwhile is served after it, in the user's own statement.
    HOLD_INTERRUPTS();
    const bool done =
        IsTransactionState() || (count > 0 && (!parameters || parameters->numParams == 0)) ? catch_errors([&] {
            fits = !statement.empty() && (count > 0 || put_first()) &&
                   (IsTransactionState() ? put_session() : put("=")) && put_statement(statement, parameters);
        })
                                                                                           : false;
    RESUME_INTERRUPTS();
    if (done && fits) {
        sent = ++count;
        return;
    }
    used = before;
    session = session_before;
    stop(done ? "the statements of the transaction before that take more than 8 kB" : "a parameter has no text");
}

std::string_view trimmed(const char *source, int location, int length) {
    std::string_view text(source + std::max(location, 0));
    if (length > 0)
        text.remove_suffix(text.size() - std::min(text.size(), static_cast<size_t>(length)));
    while (!text.empty() && strchr(" \t\r\n;", text.front()))
        text.remove_prefix(1);
    while (!text.empty() && strchr(" \t\r\n;", text.back()))
        text.remove_suffix(1);
    return text;
}

bool is_of_interest(const Node *statement) {
    if (!IsA(statement, TransactionStmt))
        return !IsA(statement, VariableShowStmt) && !IsA(statement, VariableSetStmt);
    switch (reinterpret_cast<const TransactionStmt *>(statement)->kind) {
    case TRANS_STMT_SAVEPOINT:
    case TRANS_STMT_RELEASE:
    case TRANS_STMT_ROLLBACK_TO:
        return true;
    default:
        return false;
    }
}

} // namespace

uint8_t sent = not_kept;

void begin() {
    used = 0;
    session = {};
    count = 0;
    sent = not_kept;
    in_command = false;
    end = {};
    keeps = settings::keep_parameters;
}

void query_begins(const QueryDesc *query) {
    if (likely(!keeps) || in_command)
        return;
    if (!ActivePortal) {
        sent = count > 0 && end.empty() ? by_commit : not_kept;
        return;
    }
    // What a rule adds is no statement of the client.
    if (!query->plannedstmt->canSetTag)
        return;
    if (query->params && query->params->paramFetch)
        return stop("a parameter has no text");
    add(statement_identity::executable_text(query, max_bytes), query->params);
}

bool command_begins(const PlannedStmt *statement, const char *source, ParamListInfo parameters) {
    if (likely(!keeps) || !is_of_interest(statement->utilityStmt))
        return false;
    in_command = true;
    const auto *copy = reinterpret_cast<const CopyStmt *>(statement->utilityStmt);
    if (IsA(statement->utilityStmt, CopyStmt) && !copy->filename)
        stop("COPY from or to the client");
    else
        add(trimmed(source, statement->stmt_location, statement->stmt_len), parameters);
    return true;
}

void command_ended() {
    in_command = false;
}

std::string_view text() {
    if (!keeps || (count == 0 && end.empty()))
        return {};
    // Of no statement nothing is known of the session either.
    if (count == 0)
        texts[0] = texts[1] = '\0';
    const size_t length = count == 0 ? 2 : used;
    memcpy(texts.data() + length, end.data(), end.size());
    texts[length + end.size()] = '\0';
    return {texts.data(), length + end.size() + 1};
}

} // namespace dbperf::deadlock_prediction::lock_trace::script
