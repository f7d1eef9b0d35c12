// Owns deadlocks as stories: who locked what in which order until nobody could go on. Those that happened and those
// that were predicted are shown alike.
#pragma once

#include "postgres/connection.h"

#include <optional>
#include <string>
#include <vector>

namespace dbperf::client::reports {

struct DeadlockStep {
    int member = 0; // 1-based
    int number = 0; // of the statement in its transaction, 1-based
    int level = 0;  // 0: sent by the client
    std::string query;
    std::string lock; // "account (id=3)", "" when none is known that matters
    std::string mode;
    bool holds = false;    // what another member waits for
    bool waits = false;    // or requests, where it only could happen
    bool released = false; // by a rollback to a savepoint
    bool closed_cycle = false;
    bool likely = false;             // that it is this lock which the other waits for
    std::optional<double> at_ms;     // its start, 0 being the deadlock: never above 0
    std::optional<double> waited_ms; // until the deadlock
};

struct DeadlockMember {
    std::string name; // of a session: "session 4711, role app, worker-2"; "transaction 1" of a prediction
    std::string waits_for, wait_mode;
    int next = 0; // the member that has it, 1-based
    bool victim = false;
    long long dropped_steps = 0;
};

struct DeadlockStory {
    bool happened = false;
    std::string id; // of the deadlock, or of the cycle
    std::string database, at, kind, advice;
    std::string confidence, status, outcome, description; // of a prediction
    std::vector<DeadlockMember> members;                  // each waits for the next
    std::vector<DeadlockStep> steps;                      // in the order of time where that is known, else by member
    double detection_ms = 0, lost_ms = 0;
    long long lost_rows = 0, lost_wal_bytes = 0, bystanders = 0;
    double longest_bystander_ms = 0;
    bool incomplete = false;
};

// Of a run; at most so many of each sort, the latest and the surest.
std::vector<DeadlockStory> load_deadlocks(postgres::Connection &results, const std::string &run_id, int most);
std::vector<DeadlockStory> load_predicted_deadlocks(postgres::Connection &results, const std::string &run_id, int most);

// What dbperf.lock_cycles.steps holds.
std::vector<DeadlockStep> parse_cycle_steps(const std::string &json);

} // namespace dbperf::client::reports
