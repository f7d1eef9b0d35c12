// Owns predicted deadlocks as dbperf.lock_cycles has them, with what it takes to make them happen.
#pragma once

#include "queries/captured_statement.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dbperf::client::deadlock {

// One transaction, up to the lock that it requests.
struct ReplayMember {
    std::string search_path; // of its first statement, as its role
    std::string role;
    std::string isolation;                              // READ COMMITTED and so on
    std::vector<queries::CapturedStatement> statements; // the last one requests the lock
    std::string pause;           // where it stops within its last statement, for dbperf.pause_before_lock, or ""
    bool holds = true;           // it stops with the lock that it is to hold; else before that
    std::string gate;            // statement of another session that keeps it from the lock it holds, or ""
    std::string watched = "0/0"; // that lock and the requested one, where they are rows
    bool migrates = false;       // it is a migration's, that meets the application's
    std::string not_replayable;  // why, or ""
};

struct PredictedCycle {
    std::string database;
    std::string id; // of the cycle, as text
    std::string confidence;
    std::string description;
    std::string status;
    std::string outcome;
    std::vector<ReplayMember> members;
};

// The cycles of a finished run; without a label of the latest that has any. Throws an environment error with a hint
// when there is no such run. `label` is that of the run then.
std::vector<PredictedCycle> load_lock_cycles(postgres::Connection &results, std::string &label);

// What dbperf.lock_cycles.replay holds.
std::vector<ReplayMember> parse_replay(std::string_view json);

} // namespace dbperf::client::deadlock
