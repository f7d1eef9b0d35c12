#include "postgres/connection_target.h"

#include "base/error.h"

#include <algorithm>
#include <array>

namespace dbperf::client::postgres {
using namespace base;

bool is_connection_string(std::string_view text) {
    return text.starts_with("postgresql://") || text.starts_with("postgres://") ||
           text.find('=') != std::string_view::npos;
}

namespace {

bool libpq_variables_name_a_server(const Environment &environment) {
    constexpr std::array<const char *, 6> names = {"PGHOST",     "PGHOSTADDR", "PGPORT",
                                                   "PGDATABASE", "PGUSER",     "PGSERVICE"};
    return std::any_of(names.begin(), names.end(), [&](const char *name) { return environment(name).has_value(); });
}

// The connection string that stands below the flags, or "".
std::string base_string(const ConnectionOptions &options, const std::string &project_database,
                        const Environment &environment, ProjectTrust trust) {
    if (is_connection_string(options.database))
        return options.database;
    if (!options.host.empty())
        return {}; // another server than the one the environment describes
    if (const auto url = environment("DBPERF_DATABASE_URL"))
        return *url;
    if (!project_database.empty()) {
        // Passwords of the environment go with it: a file that lies somewhere above does not say to whom.
        if (trust == ProjectTrust::database_name_alone && is_connection_string(project_database))
            throw usage_error("dbperf.toml of a folder above names a server, and is neither of this folder nor of its "
                              "repository",
                              "name the server with -h or DBPERF_DATABASE_URL, or the file with --config");
        return project_database;
    }
    if (libpq_variables_name_a_server(environment))
        return {};
    return environment("DATABASE_URL").value_or("");
}

} // namespace

ConnectionTarget ConnectionTarget::with_database(std::string_view name) const {
    ConnectionTarget other = *this;
    other.parameters.emplace_back("dbname", name);
    return other;
}

ConnectionTarget connection_target(const ConnectionOptions &options, const std::string &project_database,
                                   const Environment &environment, ProjectTrust trust) {
    ConnectionTarget target;
    target.password = options.password;
    target.parameters.emplace_back("dbname", base_string(options, project_database, environment, trust));
    const auto add = [&](const char *keyword, const std::string &value) {
        if (!value.empty())
            target.parameters.emplace_back(keyword, value);
    };
    if (!is_connection_string(options.database))
        add("dbname", options.database);
    add("host", options.host);
    add("port", options.port);
    add("user", options.user);
    return target;
}

ConnectionTarget connection_target(std::string_view conninfo) {
    ConnectionTarget target;
    target.password = PasswordMode::never;
    target.parameters.emplace_back("dbname", conninfo);
    return target;
}

} // namespace dbperf::client::postgres
