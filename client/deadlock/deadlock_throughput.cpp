#include "deadlock/deadlock_throughput.h"

#include "base/error.h"
#include "deadlock/scenario_database.h"
#include "deadlock/session_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <random>

namespace dbperf::client::deadlock {
using namespace base;
using namespace postgres;
using namespace terminal;

namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

constexpr double first_back_off_ms = 1;
constexpr double longest_back_off_ms = 100;

Time after_ms(Time from, double milliseconds) {
    return from + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double, std::milli>(milliseconds));
}

struct LoadStatement {
    std::string sql;
    int line;
};

struct Client {
    Connection connection;
    const SpecSession *session;
    std::vector<LoadStatement> transaction;
    std::size_t next = 0;
    bool busy = false;
    bool rolling_back = false;
    int failures = 0; // in a row
    Time ready = {};  // not to be sent anything before
};

class Load {
public:
    Load(const ConnectionTarget &target, const DeadlockSpec &spec, const Permutation &permutation, int clients,
         const std::string &deadlock_timeout)
        : spec_(spec) {
        std::vector<std::size_t> sessions;
        for (const StepReference &at : permutation.steps)
            if (std::find(sessions.begin(), sessions.end(), at.session) == sessions.end())
                sessions.push_back(at.session);
        for (int i = 0; i < clients; ++i) {
            const std::size_t session = sessions[static_cast<std::size_t>(i) % sessions.size()];
            clients_.push_back({Connection::open(target), &spec.sessions[session], {}});
            Client &client = clients_.back();
            if (!deadlock_timeout.empty())
                client.connection.execute(
                    fmt::format("SET deadlock_timeout = {}", client.connection.quote_text(deadlock_timeout)));
            client.connection.use_default_path();
            if (!client.session->setup.empty())
                client.transaction.push_back({client.session->setup, 0});
            for (const StepReference &at : permutation.steps)
                if (at.session == session)
                    client.transaction.push_back(
                        {spec.sessions[session].steps[at.step].sql, spec.sessions[session].steps[at.step].line});
        }
    }

    LoadFigures run(int seconds) {
        const Time start = Clock::now();
        const Time end = start + std::chrono::seconds(seconds);
        while (Clock::now() < end) {
            send_ready();
            wait_for_events(end);
        }
        figures_.seconds = std::chrono::duration<double>(Clock::now() - start).count();
        return figures_;
    }

    // Nobody may hold a lock when the scenario is torn down.
    void stop() noexcept {
        for (Client &client : clients_)
            if (client.busy)
                client.connection.cancel();
        for (Client &client : clients_)
            try {
                if (client.busy)
                    client.connection.take();
                client.busy = false;
            } catch (const Error &) {
                client.busy = false; // cancelled, as it was meant to be
            }
    }

private:
    void send_ready() {
        const Time now = Clock::now();
        for (Client &client : clients_) {
            if (client.busy || client.ready > now)
                continue;
            client.connection.send(client.rolling_back ? "ROLLBACK" : client.transaction[client.next].sql);
            client.busy = true;
        }
    }

    void wait_for_events(Time end) {
        Time until = end;
        for (const Client &client : clients_)
            if (!client.busy)
                until = std::min(until, client.ready);
        const double left = std::chrono::duration<double, std::milli>(until - Clock::now()).count();
        wait_for_sessions(clients_, std::max(0, static_cast<int>(std::ceil(left))), [&](Client &client) {
            if (client.connection.finished())
                take_answer(client);
        });
    }

    void take_answer(Client &client) {
        client.busy = false;
        try {
            client.connection.take();
            if (client.rolling_back) {
                client.rolling_back = false;
                client.next = 0;
            } else if (++client.next == client.transaction.size()) {
                client.next = 0;
                client.failures = 0;
                ++figures_.commits;
            }
        } catch (const DatabaseError &error) {
            if (error.sqlstate() != "40P01") {
                const int line = client.rolling_back ? 0 : client.transaction[client.next].line;
                throw environment_error(
                    fmt::format("{}:{}: session {}: {}", spec_.file, line, client.session->name, error.what()),
                    "--throughput needs transactions that can be repeated, and as many connections as clients");
            }
            ++figures_.deadlocks;
            ++client.failures;
            client.rolling_back = true;
            std::uniform_real_distribution<double> jitter(0.5, 1.5);
            client.ready =
                after_ms(Clock::now(), std::min(longest_back_off_ms,
                                                first_back_off_ms * std::pow(2, std::min(client.failures, 10) - 1)) *
                                           jitter(random_));
        }
    }

    const DeadlockSpec &spec_;
    std::vector<Client> clients_;
    LoadFigures figures_;
    std::mt19937 random_{std::random_device{}()};
};

LoadFigures run_side(const ConnectionTarget &target, const DeadlockSpec &spec, const Permutation &permutation,
                     const std::string &deadlock_timeout, const DeadlockOptions &options) {
    Connection controller = Connection::open(target);
    controller.use_default_path();
    for (const std::string &setup : spec.setups)
        controller.execute(setup);
    LoadFigures figures;
    {
        Load load(target, spec, permutation, options.clients, deadlock_timeout);
        try {
            figures = load.run(options.throughput_s);
        } catch (...) {
            load.stop();
            throw;
        }
        load.stop();
    }
    if (!spec.teardown.empty())
        controller.execute(spec.teardown);
    return figures;
}

} // namespace

std::vector<DeadlockThroughput> measure_throughput(const ConnectionTarget &target,
                                                   const std::vector<DeadlockSpec> &specs,
                                                   const DeadlockOptions &options, Progress &progress) {
    const ScenarioDatabase database(target, options);
    std::vector<DeadlockThroughput> measured;
    for (const DeadlockSpec &spec : specs) {
        if (std::none_of(spec.permutations.begin(), spec.permutations.end(),
                         [](const Permutation &each) { return each.control; }))
            throw usage_error(fmt::format("{}: scenario {} has no control to compare with", spec.file, spec.name),
                              "mark a permutation that takes the locks in one order with \"# dbperf: control\"");
        for (const DeadlockTimeout &timeout : database.timeouts()) {
            progress.show(fmt::format("{} at {}: {} clients for {} s", spec.name, timeout.shown, options.clients,
                                      2 * options.throughput_s));
            DeadlockThroughput each{spec.name, timeout.shown, options.clients, {}, {}};
            each.as_written = run_side(database.target(), spec, spec.permutations.front(), timeout.setting, options);
            each.control = run_side(database.target(), spec, spec.control(), timeout.setting, options);
            measured.push_back(std::move(each));
        }
    }
    progress.clear();
    return measured;
}

} // namespace dbperf::client::deadlock
