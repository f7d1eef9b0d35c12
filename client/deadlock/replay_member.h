// Owns one session that repeats a transaction of a predicted deadlock: its statements, where it stops, what it was
// refused.
#pragma once

#include "deadlock/lock_cycle.h"
#include "postgres/connection.h"

#include <string>
#include <string_view>
#include <vector>

namespace dbperf::client::deadlock {

// The advisory locks of dbperf.pause_before_lock, one a member: who waits for its own has reached its stop.
constexpr std::string_view pause_class = "1684172912";

// It cannot be executed again, for this reason.
struct NotReplayable {
    std::string reason;
};

struct ReplaySession {
    // Throws NotReplayable when a statement is none that is executed again.
    ReplaySession(const postgres::ConnectionTarget &target, const ReplayMember &replay, std::size_t its_number);

    bool is_over() const { return !busy && (!failure.empty() || next == steps.size()); }
    bool is_at_request() const { return next + 1 >= steps.size(); }
    // Within its last statement.
    bool stops() const { return pauses || !holds; }
    // Whether it has asked for the row that it is to hold, or requests, in its transaction: dbperf counts along.
    bool has_asked_for(std::string_view which);
    void send_next();
    void take_answer();

    struct Step {
        std::string sql; // of this program's making: nothing of what was captured stands in it but names and values
        bool goes_back;
    };

    std::size_t number;
    postgres::Connection connection;
    bool holds; // it stops with the lock that it is to hold
    std::string gate;
    bool pauses;
    bool watches = false;
    bool watched_held = false;
    bool watched_requested = false;
    std::vector<Step> steps;
    std::size_t next = 0;
    bool busy = false;
    bool deadlock = false;
    bool stopped = false; // within its last statement, as it should
    std::string failure;
    std::string stale;       // why it cannot do again what it did
    std::string skipped_for; // the error that led to the statement under way

private:
    void become(const std::string &role);
    std::string request(std::string_view action, const queries::CapturedStatement &statement) const;
    void add(const queries::CapturedStatement &statement);
    void apply_settings(const ReplayMember &replay);
};

} // namespace dbperf::client::deadlock
