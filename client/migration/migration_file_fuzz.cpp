// Any text as a migration: its statements in order, or a usage error that names file and line.
#include "migration/migration_file.h"

#include "base/error.h"

#include <fuzz/target.h>

using namespace dbperf::client::base;
using namespace dbperf::client::migration;

FUZZ_PART(migration_file) {
    const std::string sql(input.rest());
    try {
        const Migration migration = parse_migration(sql, "m.sql");
        int line = 1;
        bool alone = false;
        for (const MigrationStatement &statement : migration.statements) {
            FUZZ_CHECK(statement.line >= line);
            line = statement.line;
            alone = alone || statement.refuses_transaction || statement.controls_transaction;
            FUZZ_CHECK(!can_be_wrapped(statement) || !statement.refuses_transaction);
        }
        FUZZ_CHECK(migration.one_transaction != alone);
    } catch (const Error &error) {
        FUZZ_CHECK(error.code() == ExitCode::usage && std::string_view(error.what()).starts_with("m.sql:"));
    }
}
