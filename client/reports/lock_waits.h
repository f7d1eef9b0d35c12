// Owns who waited for whom for a lock in a run, as dbperf.lock_waits has it.
#pragma once

#include "postgres/connection.h"

#include <optional>
#include <string>
#include <vector>

namespace dbperf::client::reports {

struct LockWaitFigures {
    std::string database, kind, relation, row_key, mode;       // "" what is not known
    std::string query, inner_query, blocker_query, head_query; // likewise
    std::string application_name, blocker_application_name;
    long long waits = 0;
    double waited_ms = 0, max_ms = 0, estimated_ms = 0, head_idle_ms = 0;
    std::optional<double> transaction_share; // 0 to 1
    long long longest_chain = 0;
};

// Of a run, those first that took the longest, at most so many.
std::vector<LockWaitFigures> load_lock_waits(postgres::Connection &results, const std::string &run_id, int most);

} // namespace dbperf::client::reports
