#include "doctor/doctor_command.h"

#include "base/error.h"
#include "postgres/installed_dbperf.h"
#include "terminal/json_answer.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace dbperf::client::doctor {
using namespace base;
using namespace postgres;
using namespace terminal;
using namespace cli;

namespace {

enum class Health { good, doubtful, bad };

struct Finding {
    std::string item;
    Health health;
    std::string value;
    std::string fix; // "" when nothing is to be done
};

std::string setting(Connection &connection, const std::string &name) {
    return connection.execute("SELECT coalesce(pg_catalog.current_setting($1, true), '') AS value", {name}).text(0, 0);
}

void examine_module(const DbperfState &state, std::vector<Finding> &findings) {
    if (state.module_loaded)
        findings.push_back({"module", Health::good, "loaded by the server", ""});
    else
        findings.push_back(
            {"module", Health::bad, state.available_version.empty() ? "not installed" : "installed, not loaded",
             state.available_version.empty() ? "make install PG_CONFIG=... with the server's pg_config"
                                             : "add dbperf to shared_preload_libraries and restart the server"});
}

void examine_extension(const DbperfState &state, const std::string &database, std::vector<Finding> &findings) {
    if (state.extension_version.empty()) {
        findings.push_back(
            {"extension", Health::bad, fmt::format("not in database \"{}\"", database), "CREATE EXTENSION dbperf;"});
        return;
    }
    const bool same = state.module_version.empty() || state.module_version == state.extension_version;
    findings.push_back(
        {"extension", same ? Health::good : Health::bad,
         same ? "version " + state.extension_version
              : fmt::format("version {}, but the module is {}", state.extension_version, state.module_version),
         same ? "" : "ALTER EXTENSION dbperf UPDATE; restart the server after an upgrade of its files"});
    const bool fits = (state.extension_version + ".").starts_with(client_version() + ".");
    findings.push_back({"program", fits ? Health::good : Health::bad, "version " DBPERF_VERSION,
                        fits ? "" : "use the program that came with the extension"});
    findings.push_back({"privileges", state.usable ? Health::good : Health::bad,
                        state.usable ? "this role may use dbperf" : "this role may not use dbperf",
                        state.usable ? "" : "GRANT USAGE ON SCHEMA dbperf and EXECUTE on its functions"});
    if (!state.usable)
        return;
    const bool chosen = !state.results_database.empty();
    findings.push_back({"results database", chosen ? Health::good : Health::doubtful,
                        chosen ? state.results_database : "not chosen yet",
                        chosen ? "" : "set dbperf.database, or call any function of dbperf in it"});
}

void examine_status(Connection &connection, std::vector<Finding> &findings) {
    const Result status = connection.execute(
        "SELECT item, coalesce(value, '') AS value, coalesce(note, '') AS note FROM dbperf.status()");
    for (int row = 0; row < status.rows(); ++row) {
        const std::string item = status.text(row, "item");
        const std::string value = status.text(row, "value");
        const std::string note = status.text(row, "note");
        if (item == "recorder")
            findings.push_back({"recorder", Health::good, note.empty() ? value : value + ": " + note, ""});
        if (item == "enabled" && value != "on" && value != "true" && value != "t")
            findings.push_back({"observation", Health::doubtful, "off", "SET dbperf.enabled = on"});
        const bool loss = item.starts_with("dropped_") || item.starts_with("failed_");
        if (loss && value != "0" && !value.empty())
            findings.push_back({item, Health::doubtful, value, note});
    }
}

void examine_server(Connection &connection, std::vector<Finding> &findings) {
    const int version = connection.server_version();
    const bool supported = version >= 150000;
    findings.push_back({"server", supported ? Health::good : Health::bad,
                        "PostgreSQL " + setting(connection, "server_version"),
                        supported ? "" : "dbperf needs PostgreSQL 15 or later"});
    const bool io_timing = setting(connection, "track_io_timing") == "on";
    findings.push_back({"track_io_timing", io_timing ? Health::good : Health::doubtful, io_timing ? "on" : "off",
                        io_timing ? "" : "turn it on to see the time spent on reads and writes"});
    if (connection.execute("SELECT pg_catalog.pg_is_in_recovery() AS standby").boolean(0, "standby"))
        findings.push_back(
            {"standby", Health::doubtful, "read-only", "live views work here, runs are stored on the primary only"});
}

std::vector<Finding> examine(const Context &context) {
    std::vector<Finding> findings;
    try {
        Connection connection = Connection::open(context.target);
        findings.push_back({"connection", Health::good, fmt::format("database \"{}\"", connection.database()), ""});
        examine_server(connection, findings);
        const DbperfState state = read_dbperf_state(connection);
        examine_module(state, findings);
        examine_extension(state, connection.database(), findings);
        if (state.module_loaded && state.usable && !state.extension_version.empty())
            examine_status(connection, findings);
    } catch (const DatabaseError &error) {
        findings.push_back({findings.empty() ? "connection" : "examination", Health::bad, error.what(), error.hint()});
    }
    return findings;
}

std::string_view health_name(Health health) {
    return health == Health::good ? "ok" : health == Health::doubtful ? "note" : "missing";
}

void print_findings(const Context &context, const std::vector<Finding> &findings) {
    for (const Finding &finding : findings) {
        const std::string mark = fmt::format("{:<7}", health_name(finding.health));
        const Style &style = context.style;
        const std::string colored = finding.health == Health::good  ? style.good(mark)
                                    : finding.health == Health::bad ? style.bad(mark)
                                                                    : style.doubtful(mark);
        fmt::print("  {}  {:<17}  {}\n", colored, finding.item, one_line(finding.value));
        if (!finding.fix.empty())
            fmt::print("  {:7}  {:17}  -> {}\n", "", "", one_line(finding.fix));
    }
}

int doctor(const Context &context) {
    const std::vector<Finding> findings = examine(context);
    bool healthy = true;
    for (const Finding &finding : findings)
        healthy = healthy && finding.health != Health::bad;
    if (context.json()) {
        nlohmann::ordered_json list = nlohmann::ordered_json::array();
        for (const Finding &finding : findings)
            list.push_back({{"item", finding.item},
                            {"state", health_name(finding.health)},
                            {"value", finding.value},
                            {"fix", finding.fix}});
        print_json({{"healthy", healthy}, {"findings", list}});
    } else {
        print_findings(context, findings);
        fmt::print("\n{}\n", healthy ? context.style.good("dbperf is ready here")
                                     : context.style.bad("dbperf cannot be used here yet"));
    }
    return healthy ? 0 : static_cast<int>(ExitCode::environment);
}

} // namespace

const Command doctor_command = {"doctor", "what is loaded, what is missing, how to fix it", "",
                                without_options<doctor>};

} // namespace dbperf::client::doctor
