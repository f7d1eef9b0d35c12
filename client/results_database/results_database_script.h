// The SQL that makes a results database, generated from the extension's own (sql/results/generate) when the program is
// built.
#pragma once

namespace dbperf::client::results_database {

extern const char *const results_database_script;

} // namespace dbperf::client::results_database
