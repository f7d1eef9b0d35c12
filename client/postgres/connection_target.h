// Owns the decision which server is meant: flags, environment and project file become libpq's keywords, in order.
// It parses no connection string: libpq does that.
#pragma once

#include "base/environment.h"
#include "postgres/connection_options.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dbperf::client::postgres {

struct ConnectionTarget {
    // Keywords for PQconnectStartParams with expand_dbname: the first "dbname" may be a URI or conninfo string,
    // a later one is a plain name and wins.
    std::vector<std::pair<std::string, std::string>> parameters;
    PasswordMode password = PasswordMode::when_asked;

    ConnectionTarget with_database(std::string_view name) const;
};

// libpq's own rule for what it expands in "dbname".
bool is_connection_string(std::string_view text);

// Of a project file that somebody may have left above this folder.
enum class ProjectTrust { all, database_name_alone };

// Precedence: flag, DBPERF_DATABASE_URL, project file, PG*, DATABASE_URL, libpq's defaults.
ConnectionTarget connection_target(const ConnectionOptions &options, const std::string &project_database,
                                   const base::Environment &environment, ProjectTrust trust = ProjectTrust::all);

// A server that is known exactly, as a private one.
ConnectionTarget connection_target(std::string_view conninfo);

} // namespace dbperf::client::postgres
