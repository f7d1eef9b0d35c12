// Owns reading a migration file: its statements with their lines, and whether it can run in one transaction.
#pragma once

#include <string>
#include <vector>

namespace dbperf::client {

struct MigrationStatement {
    std::string sql;
    int line;
};

struct Migration {
    std::string file;
    std::vector<MigrationStatement> statements;
    // dbperf puts it into one transaction; false when it brings its own, or holds what refuses one (CONCURRENTLY,
    // VACUUM).
    bool one_transaction = true;
};

// An empty migration is one without statements. A section "-- +goose Down" or "-- migrate:down" ends the file.
Migration parse_migration(const std::string &text, const std::string &file);

Migration load_migration(const std::string &file);

} // namespace dbperf::client
