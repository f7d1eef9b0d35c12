#include "drive_deadlock_simulation.h"

#include "interrupt.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <optional>
#include <poll.h>
#include <random>

namespace dbperf::client {
namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

constexpr int most_retries = 50;
constexpr double first_back_off_ms = 1;
constexpr double longest_back_off_ms = 100;
constexpr int observation_interval_ms = 1;

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
    std::vector<Work> transaction; // what a new attempt has to do: setup and steps
    std::deque<Work> rest;         // what this attempt has still to do
    bool busy = false;
    bool failed = false; // its attempt ended in a deadlock
    Work current;
    std::optional<Time> first_step; // of this attempt
    Time sent;
    Time ready; // not to be sent anything before
    int retries = 0;
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
        participants_.push_back(
            {&spec_.sessions[session], Connection::open(target), {}, {}, false, false, {}, {}, {}, {}, 0});
        Participant &participant = participants_.back();
        participant.connection.execute(
            fmt::format("SET application_name = {}",
                        participant.connection.quote_text("dbperf deadlock " + participant.session->name)));
        if (!settings_.deadlock_timeout.empty())
            participant.connection.execute(fmt::format("SET deadlock_timeout = {}",
                                                       participant.connection.quote_text(settings_.deadlock_timeout)));
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
            while (participant.busy && !pass_.deadlock)
                wait_for_events(-1);
            if (pass_.deadlock)
                return;
            send_next(participant);
            while (participant.busy && !pass_.deadlock) {
                wait_for_events(observation_interval_ms);
                if (participant.busy && !pass_.deadlock && is_waiting(participant))
                    break;
            }
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
    }

    bool is_waiting(const Participant &participant) {
        return observer_
            .execute("SELECT pg_catalog.cardinality(pg_catalog.pg_blocking_pids($1::integer)) > 0 AS waits",
                     {fmt::format("{}", participant.connection.backend_pid())})
            .boolean(0, "waits");
    }

    void wait_for_events(int timeout_ms) {
        std::vector<pollfd> waits = {{interrupt_descriptor(), POLLIN, 0}};
        for (const Participant &participant : participants_)
            if (participant.busy)
                waits.push_back({participant.connection.descriptor(), POLLIN, 0});
        const int patience = settings_.step_timeout_s * 1000 - static_cast<int>(milliseconds(progress_, Clock::now()));
        poll(waits.data(), waits.size(),
             timeout_ms < 0 ? std::max(patience, 0) : std::min(timeout_ms, std::max(patience, 0)));
        throw_if_interrupted();
        for (Participant &participant : participants_)
            if (participant.busy && participant.connection.finished())
                take_answer(participant);
        if (milliseconds(progress_, Clock::now()) > settings_.step_timeout_s * 1000.0)
            fail_with_timeout();
    }

    void take_answer(Participant &participant) {
        participant.busy = false;
        progress_ = Clock::now();
        try {
            participant.connection.take();
            if (participant.failed && participant.rest.empty()) {
                participant.failed = false;
                if (participant.session->name == pass_.victim)
                    pass_.recovery = milliseconds(victim_failed_, progress_);
            }
        } catch (const DatabaseError &error) {
            if (error.sqlstate() != "40P01")
                throw environment_error(fmt::format("{}:{}: session {}: {}", spec_.file, participant.current.line,
                                                    participant.session->name, error.what()),
                                        error.hint());
            begin_again(participant);
        }
    }

    void begin_again(Participant &participant) {
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
        }
        if (++participant.retries > most_retries)
            throw environment_error(fmt::format("{}: session {} met a deadlock {} times in a row", spec_.file,
                                                participant.session->name, most_retries));
        ++pass_.retries;
        participant.failed = true;
        participant.first_step.reset();
        participant.rest.assign(participant.transaction.begin(), participant.transaction.end());
        participant.rest.push_front({"ROLLBACK", 0, false});
        std::uniform_real_distribution<double> jitter(0.5, 1.5);
        const double pause =
            std::min(longest_back_off_ms, first_back_off_ms * std::pow(2, participant.retries - 1)) * jitter(random_);
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
    std::mt19937 random_{std::random_device{}()};
};

} // namespace

SimulationPass simulate(const ConnectionTarget &target, const DeadlockSpec &spec, const Permutation &permutation,
                        const SimulationSettings &settings) {
    Connection keeper = Connection::open(target);
    const auto execute = [&](const std::string &sql, std::string_view what) {
        try {
            keeper.execute(sql);
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

} // namespace dbperf::client
