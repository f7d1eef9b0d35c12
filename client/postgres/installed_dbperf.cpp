#include "postgres/installed_dbperf.h"

#include <fmt/format.h>

namespace dbperf::client::postgres {
using namespace base;

namespace {

std::string major_minor(std::string_view version) {
    const std::size_t first = version.find('.');
    return std::string(version.substr(0, first == std::string_view::npos ? first : version.find('.', first + 1)));
}

std::string status_item(const Result &status, std::string_view item) {
    for (int row = 0; row < status.rows(); ++row)
        if (status.text(row, "item") == item)
            return status.text(row, "value");
    return {};
}

} // namespace

std::string client_version() {
    return major_minor(DBPERF_VERSION);
}

DbperfState read_dbperf_state(Connection &connection) {
    DbperfState state;
    // Only a library that is loaded owns its settings; a mere placeholder does not appear in pg_settings.
    const Result facts = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_settings WHERE name = 'dbperf.enabled') AS loaded,"
        " (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'dbperf') AS extension,"
        " (SELECT default_version FROM pg_catalog.pg_available_extensions WHERE name = 'dbperf') AS available,"
        " EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'dbperf' AND "
        "pg_catalog.has_schema_privilege(oid, 'USAGE')) AS usable");
    state.module_loaded = facts.boolean(0, "loaded");
    state.extension_version = facts.text(0, "extension");
    state.available_version = facts.text(0, "available");
    state.usable = facts.boolean(0, "usable");
    if (state.module_loaded && state.usable && !state.extension_version.empty()) {
        try {
            const Result status = connection.execute("SELECT item, value FROM dbperf.status()");
            state.module_version = status_item(status, "module_version");
            state.results_database = status_item(status, "results_database");
        } catch (const DatabaseError &error) {
            if (error.sqlstate() != "42501")
                throw;
            state.usable = false;
        }
    }
    return state;
}

void require_dbperf(Connection &connection) {
    const DbperfState state = read_dbperf_state(connection);
    const std::string database = connection.database();
    if (!state.module_loaded && state.available_version.empty() && state.extension_version.empty())
        throw environment_error("dbperf is not installed on this server",
                                "build it with the server's pg_config: make install PG_CONFIG=...");
    if (!state.module_loaded)
        throw environment_error(
            "the server runs without dbperf",
            "add dbperf to shared_preload_libraries and restart the server; `dbperf doctor` shows the rest");
    if (state.extension_version.empty())
        throw environment_error(fmt::format("the database \"{}\" has no extension dbperf", database),
                                "run CREATE EXTENSION dbperf; there");
    if (!state.usable)
        throw environment_error("this role may not use dbperf",
                                "ask for USAGE on the schema dbperf and EXECUTE on its functions");
    if (state.module_version != state.extension_version)
        throw environment_error(
            fmt::format("the extension is of version {}, the server's module of {}", state.extension_version,
                        state.module_version),
            "run ALTER EXTENSION dbperf UPDATE; and restart the server after an upgrade of its files");
    if (major_minor(state.extension_version) != client_version())
        throw environment_error(
            fmt::format("the extension is of version {}, this program of {}", state.extension_version, DBPERF_VERSION),
            "use the program that came with the extension");
}

std::string results_database_of(Connection &connection) {
    const Result shown =
        connection.execute("SELECT coalesce(pg_catalog.current_setting('dbperf.results_database', true), '') AS name"
                           " FROM pg_catalog.pg_settings WHERE name = 'dbperf.enabled'");
    return shown.rows() == 0 ? "" : shown.text(0, "name");
}

Connection open_results(const ConnectionTarget &target, std::string *named_database) {
    Connection connection = Connection::open(target);
    if (named_database != nullptr)
        *named_database = connection.database();
    const std::string results = results_database_of(connection);
    if (results.empty() || results == connection.database()) {
        require_dbperf(connection);
        return connection;
    }
    try {
        Connection other = Connection::open(target.with_database(results));
        require_dbperf(other);
        return other;
    } catch (const DatabaseError &error) {
        throw environment_error(
            fmt::format("this server keeps its results in the database \"{}\": {}", results, error.what()),
            "ask for the right to connect to it, or set dbperf.database to a database that exists");
    }
}

} // namespace dbperf::client::postgres
