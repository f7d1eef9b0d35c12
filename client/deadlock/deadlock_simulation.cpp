#include "deadlock/deadlock_simulation.h"

#include "base/interrupt.h"
#include "deadlock/session_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cctype>
#include <cmath>
#include <deque>
#include <optional>
#include <poll.h>
#include <random>
#include <utility>

namespace dbperf::client::deadlock {
using namespace base;
using namespace postgres;

namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

constexpr int max_retries = 50;
constexpr double first_retry_ms = 1;
constexpr double longest_retry_ms = 100;
constexpr int simulation_interval_ms = 1;
constexpr double longest_step_alone_ms = 500;

double milliseconds(Time from, Time to) {
    return std::chrono::duration<double, std::milli>(to - from).count();
}

struct Work {
    std::string sql;
    int line;
    bool step; // false: the session's setup before a new attempt
};

struct Participant {
    const SpecSession *session;
    Connection connection;
    std::vector<Work> transaction = {}; // what a new attempt has to do: setup and steps
    std::deque<Work> rest = {};         // what this attempt has still to do
    bool busy = false;
    bool failed = false; // its attempt ended in a deadlock
    Work current = {};
    std::optional<Time> first_step = {}; // of this attempt
    Time sent = {};
    Time ready = {}; // not to be sent anything before
    int retries = 0;
    int postponed = 0;     // steps whose turn came while an earlier one still waited
    long long rows = 0;    // of this attempt
    bool in_cycle = false; // of the first deadlock
    bool stalled = false;  // was waiting when that was noticed
    bool waited = false;   // its last step was seen to wait for another session
    int round = 0;         // when it was last answered
};

class Simulation {
public:
    Simulation(const ConnectionTarget &target, const DeadlockSpec &spec, const Permutation &permutation,
               const SimulationSettings &settings)
        : spec_(spec), settings_(settings), observer_(Connection::open(target)) {
        for (const StepReference &at : permutation.steps) {
            if (participant_of(at.session) == nullptr)
                add_participant(target, at.session);
            const SpecStep &step = spec.sessions[at.session].steps[at.step];
            Participant &participant = *participant_of(at.session);
            participant.transaction.push_back({step.sql, step.line, true});
            participant.rest.push_back({step.sql, step.line, true});
            order_.push_back(at.session);
        }
        if (spec.labelled)
            for (Participant &participant : participants_)
                participant.rest.push_back({"COMMIT", permutation.line, false});
    }

    SimulationPass run() {
        for (Participant &participant : participants_)
            if (!participant.session->setup.empty())
                participant.connection.execute(participant.session->setup);
        start_ = Clock::now();
        progress_ = start_;
        step_in_order();
        finish_freely();
        pass_.total = milliseconds(start_, Clock::now());
        for (Participant &participant : participants_)
            if (!participant.session->teardown.empty())
                participant.connection.execute(participant.session->teardown);
        return pass_;
    }

    void cancel_all() {
        for (Participant &participant : participants_)
            if (participant.busy)
                participant.connection.cancel();
    }

private:
    void add_participant(const ConnectionTarget &target, std::size_t session) {
        sessions_.push_back(session);
        participants_.push_back({&spec_.sessions[session], Connection::open(target)});
        Participant &participant = participants_.back();
        participant.connection.execute(
            fmt::format("SET application_name = {}",
                        participant.connection.quote_text("dbperf deadlock " + participant.session->name)));
        if (!settings_.deadlock_timeout.empty())
            participant.connection.execute(fmt::format("SET deadlock_timeout = {}",
                                                       participant.connection.quote_text(settings_.deadlock_timeout)));
        participant.connection.use_default_path(); // the rest of what it says is the scenario's
        if (!participant.session->setup.empty())
            participant.transaction.push_back({participant.session->setup, 0, false});
    }

    Participant *participant_of(std::size_t session) {
        const auto found = std::find(sessions_.begin(), sessions_.end(), session);
        return found == sessions_.end() ? nullptr : &participants_[static_cast<std::size_t>(found - sessions_.begin())];
    }

    // The permutation, until it is through or a deadlock has made its order void.
    void step_in_order() {
        for (const std::size_t session : order_) {
            Participant &participant = *participant_of(session);
            if (spec_.labelled) {
                send_postponed();
                if (participant.busy) {
                    ++participant.postponed;
                    continue;
                }
            }
            while (participant.busy && !pass_.deadlock)
                wait_for_events(-1);
            if (pass_.deadlock)
                return;
            send_next(participant);
            wait_until_settled(participant);
        }
    }

    // Until the step is done, or waits for somebody.
    void wait_until_settled(Participant &participant) {
        while (participant.busy && !pass_.deadlock) {
            wait_for_events(simulation_interval_ms);
            if (participant.busy && !pass_.deadlock &&
                (is_waiting(participant) || (spec_.labelled && is_under_way(participant))))
                break;
        }
    }

    // Sessions that do not wait any more catch up.
    void send_postponed() {
        for (Participant &participant : participants_)
            while (participant.postponed > 0 && !participant.busy && !pass_.deadlock) {
                --participant.postponed;
                send_next(participant);
                wait_until_settled(participant);
            }
    }

    // Every session goes on by itself; a victim begins its transaction again after a pause.
    void finish_freely() {
        while (true) {
            bool done = true;
            int pause = -1;
            for (Participant &participant : participants_) {
                if (!participant.busy && !participant.rest.empty()) {
                    const double wait = milliseconds(Clock::now(), participant.ready);
                    if (wait <= 0)
                        send_next(participant);
                    else
                        pause = pause < 0 ? static_cast<int>(std::ceil(wait))
                                          : std::min(pause, static_cast<int>(std::ceil(wait)));
                }
                done = done && !participant.busy && participant.rest.empty();
            }
            if (done)
                return;
            wait_for_events(pause);
        }
    }

    void send_next(Participant &participant) {
        participant.current = participant.rest.front();
        participant.rest.pop_front();
        participant.sent = Clock::now();
        if (participant.current.step && !participant.first_step)
            participant.first_step = participant.sent;
        participant.connection.send(participant.current.sql);
        participant.busy = true;
        participant.waited = false;
    }

    bool is_waiting(Participant &participant) {
        participant.waited =
            observer_
                .execute("SELECT pg_catalog.cardinality(pg_catalog.pg_blocking_pids($1::integer)) > 0 AS waits",
                         {fmt::format("{}", participant.connection.backend_pid())})
                .boolean(0, "waits");
        return participant.waited;
    }

    // A labelled scenario may hold statements that take their time on purpose (pg_sleep) or by their nature; the
    // others' steps come meanwhile.
    bool is_under_way(const Participant &participant) {
        return milliseconds(participant.sent, Clock::now()) > longest_step_alone_ms ||
               observer_
                       .execute("SELECT 1 FROM pg_catalog.pg_stat_activity WHERE pid = $1::integer AND wait_event = "
                                "'PgSleep'",
                                {fmt::format("{}", participant.connection.backend_pid())})
                       .rows() > 0;
    }

    void wait_for_events(int timeout_ms) {
        const int patience = settings_.step_timeout_s * 1000 - static_cast<int>(milliseconds(progress_, Clock::now()));
        ++round_;
        wait_for_sessions(participants_,
                          timeout_ms < 0 ? std::max(patience, 0) : std::min(timeout_ms, std::max(patience, 0)),
                          [&](Participant &participant) {
                              if (is_finished(participant))
                                  take_answer(participant);
                          });
        if (milliseconds(progress_, Clock::now()) > settings_.step_timeout_s * 1000.0)
            fail_with_timeout();
    }

    bool is_finished(Participant &participant) {
        try {
            return participant.connection.finished();
        } catch (const DatabaseError &error) {
            fail_at(participant, error);
        }
    }

    [[noreturn]] void fail_at(const Participant &participant, const DatabaseError &error) {
        const bool is_gone = error.sqlstate().empty() || error.sqlstate().substr(0, 3) == "57P";
        throw environment_error(fmt::format("{}:{}: session {}: {}", spec_.file, participant.current.line,
                                            participant.session->name, error.what()),
                                is_gone ? "the connection is gone; see the server's log" : error.hint());
    }

    void take_answer(Participant &participant) {
        participant.busy = false;
        participant.round = round_;
        progress_ = Clock::now();
        try {
            participant.rows += participant.connection.take().affected();
            note_stall(participant);
            if (participant.failed && participant.rest.empty()) {
                participant.failed = false;
                if (participant.session->name == pass_.victim)
                    pass_.recovery = milliseconds(victim_failed_, progress_);
            }
        } catch (const DatabaseError &error) {
            if (error.sqlstate() == "40P01")
                begin_again(participant, error);
            else if (!error.sqlstate().empty() && spec_.labelled)
                note_failure(participant, error); // what follows fails, too, up to the end of the transaction
            else if (!error.sqlstate().empty() && pass_.deadlock)
                give_up(participant, error);
            else
                fail_at(participant, error);
        }
    }

    // How long the first deadlock kept those who were not its victim.
    void note_stall(Participant &participant) {
        if (!std::exchange(participant.stalled, false))
            return;
        const double waited = milliseconds(participant.sent, progress_);
        if (participant.in_cycle) {
            pass_.stall = std::max(pass_.stall, waited);
        } else {
            ++pass_.bystanders;
            pass_.bystander_stall = std::max(pass_.bystander_stall, waited);
        }
    }

    void note_failure(const Participant &participant, const DatabaseError &error) {
        if (pass_.failure.empty())
            pass_.failure = fmt::format("session {}: {}", participant.session->name, error.what());
    }

    // After a deadlock the others may have made it impossible to commit: a key was inserted meanwhile, for example.
    void give_up(Participant &participant, const DatabaseError &error) {
        note_failure(participant, error);
        participant.failed = false;
        participant.rest.clear();
        participant.rest.push_back({"ROLLBACK", 0, false});
    }

    // The server names the processes of the cycle, in whatever language.
    void find_members(const std::string &detail) {
        for (Participant &other : participants_) {
            const std::string pid = fmt::format("{}", other.connection.backend_pid());
            for (std::size_t at = detail.find(pid); at != std::string::npos; at = detail.find(pid, at + 1)) {
                const auto is_digit = [&](std::size_t i) {
                    return i < detail.size() && std::isdigit(static_cast<unsigned char>(detail[i])) != 0;
                };
                other.in_cycle = other.in_cycle || (!(at > 0 && is_digit(at - 1)) && !is_digit(at + pid.size()));
            }
            // With the victim gone others go on at once, and may have been answered in the same moment.
            other.stalled = other.in_cycle || other.waited;
            if (!other.busy && other.round == round_)
                note_stall(other);
            other.stalled = other.stalled && other.busy;
        }
    }

    void begin_again(Participant &participant, const DatabaseError &error) {
        if (!pass_.deadlock) {
            pass_.deadlock = true;
            pass_.victim = participant.session->name;
            victim_failed_ = progress_;
            // The cycle was closed by the step that was sent last among those that still wait, the victim's own
            // included.
            Time closed = participant.sent;
            for (const Participant &other : participants_)
                if (other.busy)
                    closed = std::max(closed, other.sent);
            pass_.closure = milliseconds(start_, closed);
            pass_.detection = milliseconds(closed, progress_);
            pass_.lost_work = milliseconds(participant.first_step.value_or(participant.sent), progress_);
            pass_.lost_rows = participant.rows;
            find_members(error.detail());
        }
        participant.stalled = false;
        participant.rows = 0;
        if (spec_.labelled) {
            participant.rest.clear();
            participant.rest.push_back({"ROLLBACK", 0, false});
            return;
        }
        if (++participant.retries > max_retries)
            throw environment_error(fmt::format("{}: session {} met a deadlock {} times in a row", spec_.file,
                                                participant.session->name, max_retries));
        ++pass_.retries;
        participant.failed = true;
        participant.first_step.reset();
        participant.rest.assign(participant.transaction.begin(), participant.transaction.end());
        participant.rest.push_front({"ROLLBACK", 0, false});
        std::uniform_real_distribution<double> jitter(0.5, 1.5);
        const double pause =
            std::min(longest_retry_ms, first_retry_ms * std::pow(2, participant.retries - 1)) * jitter(random_);
        participant.ready =
            progress_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double, std::milli>(pause));
    }

    [[noreturn]] void fail_with_timeout() {
        std::string waiting;
        int line = 0;
        for (const Participant &participant : participants_)
            if (participant.busy) {
                waiting += (waiting.empty() ? "" : ", ") + participant.session->name;
                line = std::max(line, participant.current.line);
            }
        throw environment_error(fmt::format("{}:{}: nothing happened for {} s; still waiting: {}", spec_.file, line,
                                            settings_.step_timeout_s, waiting),
                                "in this order a step waits for one that comes after it; or raise --step-timeout");
    }

    const DeadlockSpec &spec_;
    const SimulationSettings &settings_;
    Connection observer_;
    std::vector<std::size_t> sessions_; // the spec's index of each participant
    std::vector<Participant> participants_;
    std::vector<std::size_t> order_;
    SimulationPass pass_;
    Time start_;
    Time progress_; // when anything was last heard
    Time victim_failed_;
    int round_ = 0; // of looking for answers
    std::mt19937 random_{std::random_device{}()};
};

} // namespace

SimulationPass simulate(const ConnectionTarget &target, const DeadlockSpec &spec, const Permutation &permutation,
                        const SimulationSettings &settings) {
    Connection controller = Connection::open(target);
    controller.use_default_path();
    const auto execute = [&](const std::string &sql, std::string_view what) {
        try {
            controller.execute(sql);
        } catch (const DatabaseError &error) {
            throw environment_error(fmt::format("{}: {}: {}", spec.file, what, error.what()), error.hint());
        }
    };
    for (const std::string &setup : spec.setups)
        execute(setup, "setup");
    SimulationPass pass;
    {
        Simulation simulation(target, spec, permutation, settings);
        try {
            pass = simulation.run();
        } catch (...) {
            simulation.cancel_all();
            throw;
        }
    }
    if (!spec.teardown.empty())
        execute(spec.teardown, "teardown");
    return pass;
}

} // namespace dbperf::client::deadlock
