#include "deadlock/cycle_replay.h"

#include "base/interrupt.h"
#include "deadlock/session_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <numeric>
#include <poll.h>
#include <vector>

namespace dbperf::client::deadlock {
using namespace base;
using namespace postgres;
using namespace queries;

namespace {

using Clock = std::chrono::steady_clock;

constexpr int observation_interval_ms = 2;
constexpr std::string_view deadlock_detected = "40P01";
constexpr std::string_view insufficient_privilege = "42501";
// That of dbperf.pause_before_lock: who waits for it has reached its statement.
constexpr std::string_view pause_key = "1684172912, 1";

// It cannot be executed again, for this reason.
struct NotReplayable {
    std::string reason;
};

struct TimedOut {};

struct Member {
    Member(const ConnectionTarget &target, const ReplayMember &replay, std::size_t its_number)
        : number(its_number), connection(Connection::open(target)),
          pauses(!replay.pause.empty() || !replay.gate.empty()) {
        apply_settings(replay);
        try {
            // The session is the role's, too: what a policy or a trigger says of session_user holds.
            become(replay.role);
            connection.execute("BEGIN");
            for (const CapturedStatement &statement : replay.statements)
                add(statement);
            connection.execute("ROLLBACK");
            connection.execute("BEGIN ISOLATION LEVEL " + replay.isolation);
        } catch (const DatabaseError &error) {
            if (error.sqlstate().empty())
                throw;
            throw NotReplayable{fmt::format("transaction {}: {}", number, error.what())};
        }
    }

    bool is_over() const { return !busy && (!failure.empty() || next == steps.size()); }
    bool is_at_request() const { return next + 1 >= steps.size(); }

    void send_next() {
        connection.send(steps[next].sql);
        ++next;
        busy = true;
    }

    void take_answer() {
        busy = false;
        try {
            connection.take();
            skipped_for.clear();
        } catch (const DatabaseError &error) {
            if (error.sqlstate().empty())
                throw;
            deadlock = deadlock || error.sqlstate() == deadlock_detected;
            if (skipped_for.empty() || error.sqlstate() == deadlock_detected)
                skipped_for = error.what();
            // It may have failed when it was observed, too, and gone on behind a savepoint.
            while (next < steps.size() && !steps[next].goes_back)
                ++next;
            if (next == steps.size()) {
                failure = skipped_for;
            }
        }
    }

    std::size_t number;
    Connection connection;
    bool pauses;
    struct Step {
        std::string sql; // of this program's making: nothing of what was captured stands in it but names and values
        bool goes_back;
    };
    std::vector<Step> steps;
    std::size_t next = 0;
    bool busy = false;
    bool deadlock = false;
    bool stopped = false; // within its last statement, as it should
    std::string failure;
    std::string skipped_for; // the error that led to the statement under way

private:
    void become(const std::string &role) {
        if (connection.execute("SELECT session_user AS name").text(0, "name") == role)
            return;
        if (connection.execute("SELECT pg_catalog.current_setting('is_superuser') AS is").text(0, "is") == "on")
            connection.execute("SET SESSION AUTHORIZATION " + connection.quote_name(role));
    }

    std::string request(std::string_view action, const CapturedStatement &statement) const {
        return fmt::format("SET LOCAL dbperf.captured = {}; SHOW dbperf.captured",
                           connection.quote_text(captured_request(action, statement)));
    }

    // The server executes it as its role; savepoints are the transaction's own.
    void add(const CapturedStatement &statement) {
        const std::string kind =
            captured_row(connection.execute(request("inspect", statement)).text(0, 0)).front().value();
        const std::size_t space = std::min(kind.find(' '), kind.size());
        const std::string name = connection.quote_name(kind.substr(std::min(space + 1, kind.size())));
        if (kind == "execute")
            steps.push_back({request("replay", statement), false});
        else if (kind.starts_with("savepoint "))
            steps.push_back({"SAVEPOINT " + name, false});
        else if (kind.starts_with("release "))
            steps.push_back({"RELEASE SAVEPOINT " + name, false});
        else if (kind.starts_with("rollback "))
            steps.push_back({"ROLLBACK TO SAVEPOINT " + name, true});
    }

    // What its own session may have set is not known; what could end it early is off.
    void apply_settings(const ReplayMember &replay) {
        connection.execute("SET statement_timeout = 0; SET lock_timeout = 0; SET idle_session_timeout = 0;"
                           " SET idle_in_transaction_session_timeout = 0; SET dbperf.n_plus_one = off");
        try {
            connection.execute("SET deadlock_timeout = '10ms'");
        } catch (const DatabaseError &error) {
            if (error.sqlstate() != insufficient_privilege)
                throw; // else: the server's own
        }
        try {
            if (replay.pause.empty())
                connection.execute("SET dbperf.enabled = off");
            else
                connection.execute(
                    "SET dbperf.enabled = on; SET dbperf.track_deadlocks = off; SET dbperf.track_locks = on;"
                    " SET dbperf.keep_parameters = off; SET dbperf.pause_before_lock = " +
                    connection.quote_text(replay.pause));
        } catch (const DatabaseError &error) {
            if (error.sqlstate() != insufficient_privilege)
                throw;
            if (!replay.pause.empty())
                throw NotReplayable{
                    fmt::format("only a superuser can stop transaction {} between two locks of one statement", number)};
        }
    }
};

class Replay {
public:
    Replay(const ConnectionTarget &target, const PredictedCycle &cycle, int timeout_s)
        : controller_(Connection::open(target)), observer_(Connection::open(target)), timeout_(timeout_s) {
        controller_.execute(
            fmt::format("SET dbperf.n_plus_one = off; SELECT pg_catalog.pg_advisory_lock({})", pause_key));
        hold_gates(cycle);
        for (const ReplayMember &member : cycle.members)
            members_.emplace_back(target, member, members_.size() + 1);
    }

    // Brings the members to their requests in this order.
    ReplayOutcome run(const std::vector<std::size_t> &order) {
        progress_ = Clock::now();
        for (const std::size_t number : order)
            bring_to_request(members_[number]);
        for (const Member &member : members_)
            if (member.pauses && !member.stopped && !member.busy && member.failure.empty())
                return {"not_replayable",
                        fmt::format("transaction {} cannot be stopped between the two locks of one statement",
                                    member.number)};
        // Who waits at a gate has its lock when the gate is gone, before anybody else can ask for it.
        controller_.execute("COMMIT");
        controller_.execute(fmt::format("SELECT pg_catalog.pg_advisory_unlock({})", pause_key));
        while (!any_deadlock() && go_on())
            wait_for_events();
        return outcome_now();
    }

    // Whether a member had to wait for what another held, before it held what it should: it may have given that back
    // by then, had it been the first.
    bool depends_on_order() const { return depends_on_order_; }

    void cancel_all() noexcept {
        for (Member &member : members_)
            if (member.busy)
                member.connection.cancel();
    }

private:
    void hold_gates(const PredictedCycle &cycle) {
        controller_.execute("BEGIN");
        for (const ReplayMember &member : cycle.members) {
            try {
                if (!member.gate.empty())
                    controller_.execute(member.gate, {}); // one statement
            } catch (const DatabaseError &error) {
                if (error.sqlstate().empty())
                    throw;
                throw NotReplayable{error.what()};
            }
        }
    }

    // Until it is about to request its lock, or has to wait, or failed.
    void bring_to_request(Member &member) {
        while (member.busy || (!member.is_over() && (member.pauses || !member.is_at_request()))) {
            if (!member.busy)
                member.send_next();
            wait_for_events();
            if (!member.busy)
                continue;
            const std::vector<int> blockers = blockers_of(member);
            if (blockers.empty())
                continue;
            member.stopped = std::count(blockers.begin(), blockers.end(), controller_.backend_pid()) > 0;
            depends_on_order_ = depends_on_order_ || !member.stopped;
            return;
        }
    }

    // False when nothing can happen any more.
    bool go_on() {
        bool any = false;
        for (Member &member : members_) {
            if (!member.busy && !member.is_over())
                member.send_next();
            any = any || member.busy;
        }
        return any && !all_wait_in_vain();
    }

    // Each of those that are busy waits, in the end, for one who does nothing more.
    bool all_wait_in_vain() {
        std::vector<std::vector<int>> blockers;
        for (Member &member : members_) {
            blockers.push_back(member.busy ? blockers_of(member) : std::vector<int>());
            if (member.busy && blockers.back().empty())
                return false;
        }
        for (std::size_t first = 0; first < members_.size(); ++first) {
            if (!members_[first].busy)
                continue;
            // Whether it comes back to itself: then the server will find that.
            std::vector<std::size_t> path = {first};
            for (std::size_t i = 0; i < path.size(); ++i)
                for (std::size_t other = 0; other < members_.size(); ++other) {
                    const std::vector<int> &of = blockers[path[i]];
                    if (std::count(of.begin(), of.end(), members_[other].connection.backend_pid()) == 0)
                        continue;
                    if (other == first)
                        return false;
                    if (std::find(path.begin(), path.end(), other) == path.end())
                        path.push_back(other);
                }
        }
        return true;
    }

    std::vector<int> blockers_of(Member &member) {
        const Result rows = observer_.execute(fmt::format(
            "SELECT pg_catalog.unnest(pg_catalog.pg_blocking_pids({})) AS pid", member.connection.backend_pid()));
        std::vector<int> pids;
        for (int row = 0; row < rows.rows(); ++row)
            pids.push_back(static_cast<int>(rows.integer(row, "pid")));
        return pids;
    }

    bool any_deadlock() const {
        return std::any_of(members_.begin(), members_.end(), [](const Member &member) { return member.deadlock; });
    }

    void wait_for_events() {
        wait_for_sessions(members_, observation_interval_ms, [&](Member &member) {
            if (!member.connection.finished())
                return;
            member.take_answer();
            progress_ = Clock::now();
        });
        if (Clock::now() - progress_ > timeout_)
            throw TimedOut{};
    }

    ReplayOutcome outcome_now() {
        std::string text;
        const auto add = [&text](const std::string &what) { text += (text.empty() ? "" : "; ") + what; };
        for (Member &member : members_) {
            if (member.deadlock)
                return {"confirmed", fmt::format("deadlock detected in transaction {}", member.number)};
            if (!member.failure.empty())
                add(fmt::format("transaction {}: {}", member.number, member.failure));
            else if (member.busy)
                add(fmt::format("transaction {} waited for one that did not wait", member.number));
            else
                add(fmt::format("transaction {} got its locks", member.number));
        }
        return {"not_reproduced", text};
    }

    Connection controller_;
    Connection observer_;
    std::deque<Member> members_;
    std::chrono::seconds timeout_;
    Clock::time_point progress_;
    bool depends_on_order_ = false;
};

// One attempt; *other_order: whether another order of the members may do what this one did not.
ReplayOutcome attempt(const ConnectionTarget &target, const PredictedCycle &cycle,
                      const std::vector<std::size_t> &order, int timeout_s, bool *other_order) {
    Replay replay(target, cycle, timeout_s);
    try {
        const ReplayOutcome outcome = replay.run(order);
        replay.cancel_all();
        *other_order = replay.depends_on_order() && outcome.status != "confirmed";
        return outcome;
    } catch (const TimedOut &) {
        replay.cancel_all();
        return {"not_reproduced", fmt::format("nothing happened for {} s", timeout_s)};
    } catch (...) {
        replay.cancel_all();
        throw;
    }
}

} // namespace

ReplayOutcome replay_cycle(const ConnectionTarget &target, const PredictedCycle &cycle, int timeout_s) {
    for (std::size_t i = 0; i < cycle.members.size(); ++i)
        if (!cycle.members[i].not_replayable.empty())
            return {"not_replayable", fmt::format("transaction {}: {}", i + 1, cycle.members[i].not_replayable)};
    std::vector<std::size_t> order(cycle.members.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    try {
        bool other_order = false;
        const ReplayOutcome first = attempt(target, cycle, order, timeout_s, &other_order);
        ReplayOutcome last = first;
        while (other_order && std::next_permutation(order.begin(), order.end()))
            last = attempt(target, cycle, order, timeout_s, &other_order);
        return last.status == "confirmed" ? last : first;
    } catch (const NotReplayable &cause) {
        return {"not_replayable", cause.reason};
    }
}

} // namespace dbperf::client::deadlock
