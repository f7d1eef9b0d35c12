// Owns the sessions that execute the monitored queries over and over while a migration is applied, and what each
// execution met. What it executes, and as whom, is query_runner's matter. Asynchronous.
#pragma once

#include "blocking/lock_samples.h"
#include "blocking/observed_block.h"
#include "blocking/timeline.h"
#include "postgres/connection.h"
#include "queries/query_runner.h"

#include <functional>
#include <optional>
#include <poll.h>
#include <string>
#include <vector>

namespace dbperf::client::blocking {

class QueryLoad {
public:
    // `active` sessions work at a time. One that waits for a lock is not counted: another one goes on with the queries
    // that do not wait, as far as the server has room for them.
    QueryLoad(const postgres::ConnectionTarget &target, const std::vector<queries::PreparedQuery> &queries, int active,
              const std::string &statement_timeout, const Timeline &timeline);
    ~QueryLoad(); // what is under way is cancelled
    QueryLoad(const QueryLoad &) = delete;
    QueryLoad &operator=(const QueryLoad &) = delete;

    void step();
    void add_descriptors(std::vector<pollfd> &waits) const;
    // Nothing new is started; what began after the migration is cancelled.
    void stop();

    bool is_idle() const;
    // Of executions that ended before the migration, or began after it.
    bool has_executed_all(std::size_t times) const;
    bool has_begun_all_after() const;
    // One of the slowest query, by what is usual; also when none is slow. Whoever wants a lock then waits longest.
    bool slowest_has_just_begun() const;
    std::size_t sessions() const { return sessions_.size(); }
    std::vector<int> pids() const;
    // Names of those that hold a lock which somebody waits for; "" for no session of these.
    std::string query_of(int pid) const;
    // By pid; `statement` is the migration's at this moment.
    void note_waits(const std::vector<SampledWait> &waits, int migration_pid, std::size_t statement);

    std::vector<QueryRecord> &records() { return records_; }

private:
    enum class Phase { idle, beginning, executing, ending };
    struct OpenWait {
        LockWait wait;
        double from_ms = 0;
        double queued_until_ms = 0; // when the migration was last seen to wait, too
        bool is_migrations = false; // it is the migration that keeps it waiting, at least over others
    };
    struct Session {
        explicit Session(postgres::Connection &&opened) : connection(std::move(opened)) {}
        postgres::Connection connection;
        Phase phase = Phase::idle;
        std::size_t query = 0;
        std::size_t set = 0;
        double start_ms = 0;
        double ready_ms = 0; // when it may begin the next one
        bool cancelled = false;
        std::optional<OpenWait> wait;
    };
    struct Counters {
        std::size_t begun = 0; // for the set at hand
        std::size_t ended_before = 0;
        std::size_t begun_after = 0;
        std::size_t under_way = 0;
        bool is_slow = false;    // the last execution was
        bool is_waiting = false; // one of them waits for a lock
    };
    postgres::Connection open(const postgres::ConnectionTarget &target, const std::string &statement_timeout);
    void advance(Session &session);
    void record(Session &session, double end_ms, const std::string *error);
    void end_wait(Session &session, double now_ms);
    void start_idle(double now_ms);
    void note_missed();
    std::optional<std::size_t> next_query();

    const std::vector<queries::PreparedQuery> &queries_;
    const Timeline &timeline_;
    std::size_t active_;
    std::vector<Session> sessions_;
    std::vector<QueryRecord> records_;
    std::vector<Counters> counters_;
    std::size_t cursor_ = 0;
    bool stopped_ = false;
};

} // namespace dbperf::client::blocking
