// What the client sent in the transaction under way, kept so that it can be executed again: only where
// dbperf.keep_parameters is on, since it holds the application's data. What does not fit, or cannot be sent again, ends
// it.
//
// As text, every part followed by a NUL: search path and role; of each statement its session, or "=" when that is as
// before, its text, the number of its parameters, and of each of these its type, and 'v' or 'n' (null) with its value;
// last, why it ends early, or nothing. A session: "+", role, search path, the number of its settings, and of each its
// name and value.
#pragma once

#include "core/pg.h"

namespace dbperf::deadlock_prediction::lock_trace::script {

constexpr uint8_t not_kept = 0;
constexpr uint8_t by_commit = UINT8_MAX; // what a COMMIT does

// Number of the client's statement under way.
extern uint8_t sent;

// A transaction begins.
void begin();
// A query of the client, or one of a COMMIT.
void query_begins(const QueryDesc *query);
// A command of the client; false when it is none that is executed again, and its queries are on their own.
bool command_begins(const PlannedStmt *statement, const char *source, ParamListInfo parameters);
void command_ended();

// "" when nothing was kept.
std::string_view text();

} // namespace dbperf::deadlock_prediction::lock_trace::script
