#include "deadlock/cycle_replay.h"

#include "deadlock/replay_member.h"
#include "deadlock/session_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <numeric>
#include <optional>
#include <vector>

namespace dbperf::client::deadlock {
using namespace base;
using namespace postgres;
using namespace queries;

namespace {

using Clock = std::chrono::steady_clock;

constexpr int observation_interval_ms = 2;

struct TimedOut {};

// What each session waits for is read from the server; nothing is concluded from time.
class Replay {
public:
    Replay(const ConnectionTarget &target, const PredictedCycle &cycle, int timeout_s)
        : target_(target), controller_(Connection::open(target)), observer_(Connection::open(target)),
          timeout_(timeout_s), progress_(Clock::now()) {
        controller_.execute("SET dbperf.n_plus_one = off");
        for (const ReplayMember &member : cycle.members) {
            members_.emplace_back(target, member, members_.size() + 1);
            gates_.emplace_back();
            controller_.execute(
                fmt::format("SELECT pg_catalog.pg_advisory_lock({}, {})", pause_class, members_.size()));
        }
    }

    // Brings the members to their stops in this order, those that hold what they should before those that stop before
    // that; lets the latter have it one after the other; then all request.
    ReplayOutcome run(const std::vector<std::size_t> &order) {
        std::vector<std::size_t> late;
        for (const std::size_t number : order)
            if (members_[number].holds)
                bring_to_stop(number);
            else
                late.push_back(number);
        for (const std::size_t number : late)
            bring_to_stop(number);
        for (ReplaySession &member : members_)
            if (member.stale.empty() && member.stops() && !member.stopped && !member.busy && member.failure.empty()) {
                if (member.watched_requested && !member.has_asked_for("requested"))
                    set_stale(member);
                else
                    return {"not_replayable",
                            fmt::format("transaction {} cannot be stopped between the two locks of one statement",
                                        member.number)};
            }
        if (!any_stale())
            let_go(late);
        while (!any_stale() && !any_deadlock() && go_on())
            wait_for_events();
        return outcome_now();
    }

    // Whether a member had to wait for what another held, before it held what it should: it may have given that back
    // by then, had it been the first.
    bool depends_on_order() const { return depends_on_order_; }

    void cancel_all() noexcept {
        for (ReplaySession &member : members_)
            if (member.busy)
                member.connection.cancel();
    }

private:
    // Another session locks what keeps the member from the lock that it is to hold.
    void close_gate(std::size_t number) {
        gates_[number].emplace(Connection::open(target_));
        Connection &gate = *gates_[number];
        gate.execute("SET dbperf.n_plus_one = off");
        gate.execute(fmt::format("SET lock_timeout = '{}s'", timeout_.count()));
        gate.execute("BEGIN");
        try {
            gate.execute(members_[number].gate, {}); // one statement
        } catch (const DatabaseError &error) {
            if (error.sqlstate().empty())
                throw;
            throw NotReplayable{error.what()};
        }
    }

    void open_gate(std::size_t number) {
        if (gates_[number])
            gates_[number]->execute("ROLLBACK");
    }

    void end_pause(std::size_t number) {
        controller_.execute(
            fmt::format("SELECT pg_catalog.pg_advisory_unlock({}, {})", pause_class, members_[number].number));
    }

    // Until it is about to request its lock, or has to wait for somebody who does nothing, or failed.
    void bring_to_stop(std::size_t number) {
        ReplaySession &member = members_[number];
        while (!member.is_over() && (member.stops() || !member.is_at_request())) {
            if (member.is_at_request() && !member.holds && !member.pauses)
                close_gate(number);
            member.send_next();
            rest(member);
            if (!member.busy)
                continue;
            member.stopped = waits_for(member, stop_pids(number));
            depends_on_order_ = depends_on_order_ || !member.stopped;
            return;
        }
        if (!member.busy && member.failure.empty() && member.holds && !member.pauses && member.watched_held &&
            !member.has_asked_for("held"))
            set_stale(member);
    }

    // Who stops before the lock it is to hold gets it now. One after the other, so that nobody takes what the next one
    // is to hold: that is kept for it by a gate, at which it is the next in turn.
    void let_go(const std::vector<std::size_t> &late) {
        for (std::size_t i = 1; i < late.size(); ++i) {
            ReplaySession &member = members_[late[i]];
            if (!member.pauses || !member.stopped)
                continue;
            if (member.gate.empty())
                throw NotReplayable{fmt::format(
                    "nothing can stop transaction {} between the two locks of one statement", member.number)};
            close_gate(late[i]);
            end_pause(late[i]);
            rest(member);
        }
        for (std::size_t i = 0; i < late.size() && !any_deadlock(); ++i) {
            ReplaySession &member = members_[late[i]];
            open_gate(late[i]);
            if (i == 0 && member.pauses)
                end_pause(late[i]);
            rest(member);
        }
        for (std::size_t number = 0; number < members_.size(); ++number)
            if (members_[number].pauses && members_[number].holds)
                end_pause(number);
    }

    // False when nothing can happen any more.
    bool go_on() {
        bool any = false;
        for (ReplaySession &member : members_) {
            if (!member.busy && !member.is_over()) {
                member.send_next();
                return true;
            }
            any = any || member.busy;
        }
        if (!any)
            return false;
        return !std::all_of(members_.begin(), members_.end(),
                            [this](ReplaySession &member) { return !member.busy || is_at_rest(member); });
    }

    // Until it has answered, or waits for who does nothing until it gets a signal.
    void rest(ReplaySession &member) {
        while (member.busy && !is_at_rest(member))
            wait_for_events();
    }

    using Waits = std::vector<std::pair<int, std::vector<int>>>; // of each that waits, for whom

    Waits waits_now() {
        std::string pids;
        for (const ReplaySession &member : members_)
            if (member.busy)
                pids += (pids.empty() ? "" : ", ") + std::to_string(member.connection.backend_pid());
        const Result rows = observer_.execute(
            fmt::format("SELECT waiter, pg_catalog.unnest(pg_catalog.pg_blocking_pids(waiter)) AS blocker"
                        " FROM pg_catalog.unnest(ARRAY[{}]::pg_catalog.int4[]) AS waiter",
                        pids));
        Waits waits;
        for (int row = 0; row < rows.rows(); ++row) {
            const auto waiter = static_cast<int>(rows.integer(row, "waiter"));
            if (waits.empty() || waits.back().first != waiter)
                waits.emplace_back(waiter, std::vector<int>());
            waits.back().second.push_back(static_cast<int>(rows.integer(row, "blocker")));
        }
        return waits;
    }

    bool is_idle(int pid) const {
        return pid == controller_.backend_pid() ||
               std::any_of(gates_.begin(), gates_.end(),
                           [pid](const auto &gate) { return gate && gate->backend_pid() == pid; }) ||
               std::any_of(members_.begin(), members_.end(), [pid](const ReplaySession &member) {
                   return !member.busy && member.connection.backend_pid() == pid;
               });
    }

    // Whether all that it waits for, also through others, ends with who is idle: with a cycle the server will find it,
    // who runs may go on, and of a stranger nothing is known. Read twice: a lock that is held for a moment is no
    // answer.
    bool is_at_rest(ReplaySession &member) {
        const Waits first = waits_now();
        return ends_with_idle(member.connection.backend_pid(), first, 0) && waits_now() == first;
    }

    bool ends_with_idle(int pid, const Waits &waits, std::size_t depth) const {
        const auto found =
            std::find_if(waits.begin(), waits.end(), [pid](const auto &wait) { return wait.first == pid; });
        if (found == waits.end() || depth > members_.size())
            return false;
        return std::all_of(found->second.begin(), found->second.end(),
                           [&](int blocker) { return is_idle(blocker) || ends_with_idle(blocker, waits, depth + 1); });
    }

    std::vector<int> stop_pids(std::size_t number) const {
        std::vector<int> pids = {controller_.backend_pid()};
        if (gates_[number])
            pids.push_back(gates_[number]->backend_pid());
        return pids;
    }

    bool waits_for(const ReplaySession &member, const std::vector<int> &pids) {
        for (const auto &[waiter, blockers] : waits_now())
            if (waiter == member.connection.backend_pid())
                return std::any_of(blockers.begin(), blockers.end(),
                                   [&pids](int blocker) { return std::count(pids.begin(), pids.end(), blocker) > 0; });
        return false;
    }

    void set_stale(ReplaySession &member) {
        member.stale =
            "its statement changes no row any more where it locked one in the run: the data it looks for, as a "
            "version in WHERE, is not there";
    }

    bool any_stale() const {
        return std::any_of(members_.begin(), members_.end(),
                           [](const ReplaySession &member) { return !member.stale.empty(); });
    }

    bool any_deadlock() const {
        return std::any_of(members_.begin(), members_.end(),
                           [](const ReplaySession &member) { return member.deadlock; });
    }

    void wait_for_events() {
        wait_for_sessions(members_, observation_interval_ms, [&](ReplaySession &member) {
            if (!member.connection.finished())
                return;
            member.take_answer();
            progress_ = Clock::now();
        });
        if (Clock::now() - progress_ > timeout_)
            throw TimedOut{};
    }

    ReplayOutcome outcome_now() {
        for (const ReplaySession &member : members_)
            if (member.deadlock)
                return {"confirmed", fmt::format("deadlock detected in transaction {}", member.number)};
        for (ReplaySession &member : members_)
            if (member.stale.empty() && !member.busy && member.failure.empty() && member.next == member.steps.size() &&
                member.watched_requested && !member.has_asked_for("requested"))
                set_stale(member);
        for (const ReplaySession &member : members_)
            if (!member.stale.empty())
                return {"not_replayable", fmt::format("transaction {}: {}", member.number, member.stale)};
        std::string text;
        const auto add = [&text](const std::string &what) { text += (text.empty() ? "" : "; ") + what; };
        for (ReplaySession &member : members_) {
            if (!member.failure.empty())
                add(fmt::format("transaction {}: {}", member.number, member.failure));
            else if (member.busy)
                add(fmt::format("transaction {} waited for one that did not wait", member.number));
            else
                add(fmt::format("transaction {} got its locks", member.number));
        }
        return {"not_reproduced", text};
    }

    ConnectionTarget target_;
    Connection controller_;
    Connection observer_;
    std::deque<ReplaySession> members_;
    std::deque<std::optional<Connection>> gates_; // of each member
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
