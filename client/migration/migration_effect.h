// Owns what a migration did while it was applied, as records, and which of it hurts in production. Knows nothing of how
// it was observed.
#pragma once

#include <string>
#include <vector>

namespace dbperf::client::migration {

enum class FileChange { built, rewritten, emptied };

// A relation that has another file than before.
struct ChangedFile {
    std::string relation;
    std::string table; // of an index, else the relation itself
    bool is_index = false;
    FileChange change = FileChange::rewritten;
    long long bytes = 0; // of the new file
};

struct TableWork {
    std::string table;
    long long scans = 0; // sequential ones, also those of ALTER TABLE
    long long rows_read = 0;
    long long rows_changed = 0; // inserted, updated or deleted
};

// Held by the transaction when the statement ended, whichever statement took it. Only on tables older than the
// migration.
struct TableLock {
    std::string table;
    std::string mode; // as in pg_locks
};

struct AppliedStatement {
    std::string file;
    int line = 0;
    std::string sql;
    std::vector<std::string> words; // leading ones in upper case
    double ms = 0;
    long long wal_bytes = 0;
    std::vector<ChangedFile> files;
    std::vector<TableWork> work;
    std::vector<TableLock> locks;
};

// The strongest lock on a table, from when it was taken to the end of its transaction: never reported shorter than it
// was.
struct HeldLock {
    std::string table;
    std::string mode;
    double ms = 0;
    std::string file; // of the statement that took it
    int line = 0;
};

struct MigrationEffect {
    double ms = 0; // of all statements and commits
    long long wal_bytes = 0;
    std::vector<AppliedStatement> statements;
    std::vector<HeldLock> locks;                  // the strongest first
    std::vector<std::string> refused_transaction; // files that a transaction around them did not suit
};

struct MigrationWarning {
    std::string file;
    int line = 0;
    std::string sentence; // what hurts
    std::string advice;   // what to do instead, a sentence
};

// Strength of a table lock mode of pg_locks, 1 (AccessShareLock) to 8 (AccessExclusiveLock); 0: no such mode.
int lock_strength(const std::string &mode);

// "ACCESS EXCLUSIVE", as LOCK TABLE spells it.
std::string lock_words(const std::string &mode);

std::vector<MigrationWarning> warnings_of(const MigrationEffect &effect);

} // namespace dbperf::client::migration
