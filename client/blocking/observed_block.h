// Owns what was seen of queries while a migration was applied, as records, and what follows from them: which statement
// blocked whom, at which table and for how long. Knows nothing of how it was observed. Times count from the beginning
// of the migration.
#pragma once

#include "migration/migration_effect.h"

#include <cstddef>
#include <string>
#include <vector>

namespace dbperf::client::blocking {

// What a session waits for.
struct WantedLock {
    std::string type;     // as pg_locks.locktype
    std::string relation; // "" where it is none
    std::string mode;     // as pg_locks.mode

    bool operator==(const WantedLock &) const = default;
};

// One execution that waited because of the migration.
struct LockWait {
    std::size_t set = 0; // of parameters
    std::size_t statement = 0;
    WantedLock lock;
    std::string behind;   // the mode that the migration has there, or waits for; "" when others stood between
    double ms = 0;        // all of it
    double queued_ms = 0; // of that, while the migration itself waited for that lock
};

struct QueryRecord {
    std::string query;
    std::vector<double> before_ms; // executions that ended before the migration began
    long long executions = 0;      // that ran while it was applied
    double longest_ms = 0;         // of those
    bool was_missed = false;       // while all sessions waited, it was not among their queries
    std::vector<LockWait> waits;   // the longest one for each statement and lock
    long long failures = 0;        // of executions while it was applied, or after it
    long long failures_before = 0;
    double failed_from_ms = 0; // the first of them
    bool fails_on = false;     // the last execution failed, too
    std::string error;

    double usual_ms() const; // the median before; 0 when there is none
    double longest_before_ms() const;
    const LockWait *longest_wait() const;
};

struct StatementRecord {
    std::string file;
    int line = 0;
    std::string sql;
    double ms = 0;
    double waited_ms = 0;             // for locks of others
    WantedLock waited_for;            // the longest one
    std::vector<std::string> held_by; // in words
};

struct MigrationFailure {
    std::size_t statement = 0;
    std::string message;
    std::string sqlstate;

    bool is_lock_timeout() const { return sqlstate == "55P03"; }
};

// Two lock modes of pg_locks that two sessions cannot have at the same table.
bool modes_conflict(const std::string &one, const std::string &other);

// Keeps the longest for each statement and lock.
void add_wait(QueryRecord &record, LockWait wait);
void add_failure(QueryRecord &record, double at_ms, const std::string &message);

// Where a statement kept queries waiting.
struct Block {
    std::size_t statement = 0;
    std::string what; // "reads of orders", "changes of rows that it changed"
    std::string relation;
    double ms = 0; // of who waited longest
    struct Waiter {
        std::string query;
        LockWait wait;
    };
    std::vector<Waiter> waiters; // longest first
};

// The longest first. A lock that an earlier statement of the transaction took is that statement's: `effect` is what the
// same statements did when nobody else was there.
std::vector<Block> blocks_of(const std::vector<QueryRecord> &queries, const std::vector<StatementRecord> &statements,
                             const migration::MigrationEffect &effect);

} // namespace dbperf::client::blocking
