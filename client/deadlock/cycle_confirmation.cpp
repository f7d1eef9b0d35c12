#include "deadlock/cycle_confirmation.h"

#include "deadlock/cycle_replay.h"
#include "postgres/clone_claim.h"
#include "postgres/installed_dbperf.h"
#include "postgres/temporary_database.h"

#include <fmt/format.h>

#include <algorithm>

namespace dbperf::client::deadlock {
using namespace postgres;
using namespace terminal;

namespace {

bool can_be_tried(const PredictedCycle &cycle) {
    return std::all_of(cycle.members.begin(), cycle.members.end(),
                       [](const ReplayMember &member) { return member.not_replayable.empty(); });
}

// Nobody may be connected to a database that is copied: each time anew.
void store(const ConnectionTarget &target, const std::string &run, const PredictedCycle &cycle) {
    Connection results = open_results(target);
    results.execute("SELECT dbperf.store_cycle_outcome($1, $2, $3::pg_catalog.int8, $4, $5)",
                    {run, cycle.database, cycle.id, cycle.status, cycle.outcome});
}

ReplayOutcome try_cycle(const ConnectionTarget &target, const PredictedCycle &cycle, int timeout_s,
                        const Prepare &prepare) {
    if (!can_be_tried(cycle))
        return replay_cycle(target, cycle, timeout_s);
    const std::string maintenance = maintenance_database(target, cycle.database);
    const CloneClaim claim(target.with_database(maintenance));
    const TemporaryDatabase clone(target, maintenance, claim.name() + "_cycle", cycle.database);
    if (prepare) {
        Connection connection = Connection::open(clone.target());
        prepare(connection);
    }
    return replay_cycle(clone.target(), cycle, timeout_s);
}

} // namespace

void confirm_cycle(const ConnectionTarget &target, const std::string &run, PredictedCycle *cycle, int timeout_s,
                   const Prepare &prepare) {
    const ReplayOutcome outcome = try_cycle(target, *cycle, timeout_s, prepare);
    cycle->status = outcome.status;
    cycle->outcome = outcome.outcome;
    store(target, run, *cycle);
}

Confirmation confirm_cycles(const ConnectionTarget &target, const DeadlockOptions &options, Progress &progress) {
    Confirmation confirmation;
    confirmation.run = options.run;
    std::string home;
    {
        Connection results = open_results(target);
        home = results.database();
        confirmation.cycles = load_lock_cycles(results, confirmation.run);
    }
    drop_stale_clones(target.with_database(maintenance_database(target, home)));
    std::size_t number = 0;
    for (PredictedCycle &cycle : confirmation.cycles) {
        progress.show(fmt::format("predicted deadlock {} of {}", ++number, confirmation.cycles.size()));
        confirm_cycle(target, confirmation.run, &cycle, options.step_timeout_s, {});
    }
    progress.clear();
    return confirmation;
}

} // namespace dbperf::client::deadlock
