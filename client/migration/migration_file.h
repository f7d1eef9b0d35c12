// Owns reading a migration file: its statements with their lines, and whether it can run in one transaction.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace dbperf::client::migration {

struct MigrationStatement {
    std::string sql;
    int line;
    std::vector<std::string> words;    // up to six leading words in upper case
    bool refuses_transaction = false;  // CONCURRENTLY, VACUUM, ...
    bool controls_transaction = false; // BEGIN, COMMIT, ...
    std::optional<std::string> rows{}; // of COPY ... FROM stdin, which stand behind it
};

struct Migration {
    std::string file;
    std::vector<MigrationStatement> statements;
    // dbperf puts it into one transaction; false when it brings its own, or holds what refuses one (CONCURRENTLY,
    // VACUUM).
    bool one_transaction = true;
};

// An empty migration is one without statements. What pg_dump writes is one. A section "-- +goose Down" or "--
// migrate:down" ends the file.
Migration parse_migration(const std::string &text, const std::string &file);

Migration load_migration(const std::string &file);

// A statement of its own transaction behaves the same inside BEGIN and COMMIT: false for what begins or ends
// transactions itself, perhaps inside a procedure, or is about the session.
bool can_be_wrapped(const MigrationStatement &statement);

} // namespace dbperf::client::migration
