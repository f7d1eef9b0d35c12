#include "blocking/observed_migration.h"

#include "base/interrupt.h"
#include "blocking/lock_samples.h"
#include "blocking/migration_session.h"
#include "blocking/query_load.h"
#include "blocking/timeline.h"

#include <algorithm>
#include <cmath>
#include <poll.h>

namespace dbperf::client::blocking {
using namespace base;
using namespace postgres;
using namespace terminal;
using namespace queries;
using namespace migration;

namespace {

constexpr double sample_every_ms = 5;
constexpr int longest_poll_ms = 1; // a pause of a session ends then
// What is usual is known after so many executions of each query; of slow ones after as many as there were by then.
constexpr std::size_t usual_executions = 20;
constexpr double usual_ms = 2000;
constexpr double longest_warm_up_ms = 60000;
constexpr double after_ms = 2000; // for every query to be executed once after the migration

class Observation {
public:
    Observation(const ConnectionTarget &copy, const ConnectionTarget &other_database, const LoadRequest &request,
                const std::vector<Migration> &migrations, const std::vector<PreparedQuery> &queries)
        : migration_(copy, migrations, request.lock_timeout, timeline_),
          samples_(other_database, migration_.connection()),
          load_(copy, queries, request.sessions, request.statement_timeout, timeline_) {
        samples_.watch(migration_.connection().backend_pid(), load_.pids());
    }

    void warm_up() {
        const double begin = timeline_.now_ms();
        while (true) {
            turn(false);
            const double passed = timeline_.now_ms() - begin;
            const bool knows_usual =
                load_.has_executed_all(usual_executions) || (passed > usual_ms && load_.has_executed_all(1));
            if ((knows_usual && load_.slowest_has_just_begun()) || passed > longest_warm_up_ms)
                return;
        }
    }

    void apply() {
        timeline_.begin_ms = timeline_.now_ms();
        while (!migration_.is_over())
            turn(true);
        timeline_.end_ms = timeline_.now_ms();
    }

    void wait_for_queries() {
        while (!load_.has_begun_all_after() && timeline_.now_ms() - timeline_.end_ms < after_ms)
            turn(false);
        while (!load_.is_idle()) {
            if (timeline_.now_ms() - timeline_.end_ms >= after_ms || load_.has_begun_all_after())
                load_.stop();
            turn(false);
        }
    }

    ObservedMigration finish(const LoadRequest &request, const MigrationEffect &effect) {
        ObservedMigration observed;
        observed.lock_timeout = request.lock_timeout;
        observed.sessions = request.sessions;
        observed.all_sessions = load_.sessions();
        observed.ms = timeline_.end_ms - timeline_.begin_ms;
        observed.statements = std::move(migration_.statements());
        observed.queries = std::move(load_.records());
        observed.failure = migration_.failure();
        observed.blocks = blocks_of(observed.queries, observed.statements, effect);
        return observed;
    }

private:
    void turn(bool with_migration) {
        std::vector<pollfd> waits = {{interrupt_descriptor(), POLLIN, 0}};
        load_.add_descriptors(waits);
        if (samples_.is_busy())
            waits.push_back({samples_.descriptor(), POLLIN, 0});
        if (migration_.is_busy())
            waits.push_back({migration_.connection().descriptor(), POLLIN, 0});
        poll(waits.data(), waits.size(), migration_.has_rows_to_send() ? 0 : longest_poll_ms);
        throw_if_interrupted();
        if (with_migration)
            migration_.step();
        load_.step();
        if (samples_.is_finished())
            note(samples_.take());
        if (!samples_.is_busy() && timeline_.now_ms() >= next_sample_ms_) {
            next_sample_ms_ = timeline_.now_ms() + sample_every_ms;
            samples_.send();
        }
    }

    void note(const std::vector<SampledWait> &waits) {
        const int pid = migration_.connection().backend_pid();
        load_.note_waits(waits, pid, migration_.statement());
        const auto own =
            std::find_if(waits.begin(), waits.end(), [&](const SampledWait &each) { return each.pid == pid; });
        migration_.note_wait(own == waits.end() ? nullptr : &*own, [&](int blocker) {
            const std::string query = load_.query_of(blocker);
            return query.empty() ? samples_.stranger(blocker) : query;
        });
    }

    Timeline timeline_;
    MigrationSession migration_;
    LockSamples samples_;
    QueryLoad load_; // the last: it takes what room there is
    double next_sample_ms_ = 0;
};

} // namespace

ObservedMigration observe_migration(const ConnectionTarget &copy, const ConnectionTarget &other_database,
                                    const LoadRequest &request, std::vector<Migration> migrations,
                                    const MigrationEffect &effect, const std::vector<PreparedQuery> &queries,
                                    Progress &progress) {
    for (Migration &migration : migrations)
        if (std::find(effect.refused_transaction.begin(), effect.refused_transaction.end(), migration.file) !=
            effect.refused_transaction.end())
            migration.one_transaction = false;
    Observation observation(copy, other_database, request, migrations, queries);
    progress.show("executing the queries in several sessions");
    observation.warm_up();
    progress.show("applying the migration while the queries run");
    observation.apply();
    progress.show("waiting for the queries to end");
    observation.wait_for_queries();
    return observation.finish(request, effect);
}

} // namespace dbperf::client::blocking
