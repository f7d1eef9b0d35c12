#include "testdb/testdb_command.h"

#include "base/error.h"
#include "base/file_text.h"
#include "base/interrupt.h"
#include "base/process.h"
#include "migration/migration_folder.h"
#include "postgres/installed_dbperf.h"
#include "terminal/json_answer.h"
#include "terminal/table.h"
#include "terminal/progress.h"
#include "testdb/template_database.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dbperf::client::testdb {
using namespace base;
using namespace postgres;
using namespace terminal;
using namespace cli;
using namespace migration;

namespace {

struct TestdbOptions {
    std::string action; // prepare, exec, list, gc, status
    std::string migrations;
    std::string migrate_command;
    std::string seed;
    std::string template_name;
    bool keep = false; // the database of a command that failed
    bool kept = false; // collect what was kept, too
    std::vector<std::string> command;
};

void testdb_options(OptionList &list, TestdbOptions &options) {
    OptionList prepare =
        list.action(options.action, "prepare", "make a template, once for each content; prints its name");
    prepare.text("--migrations", "DIR", options.migrations,
                 "folder of migrations: plain, golang-migrate, dbmate, goose, Flyway");
    prepare.text("--migrate-command", "CMD", options.migrate_command,
                 "shell command that migrates the database of PGDATABASE, after these");
    prepare.text("--seed", "FILE", options.seed, "SQL file with rows that every test finds");
    prepare.text("--template", "NAME", options.template_name, "name of the template (default: from the content)");
    OptionList execute = list.action(options.action, "exec", "run a command with PG* pointing to a clean database");
    execute.text("--template", "NAME", options.template_name, "database to copy (default: what was prepared last)");
    execute.flag("--keep", options.keep, "keep the database when the command fails, and print its name");
    execute.command(options.command);
    list.action(options.action, "list", "the copies that exist");
    list.action(options.action, "gc", "drop those that nobody holds")
        .flag("--kept", options.kept, "also those that were kept");
    list.action(options.action, "status", "what was done, and what could not be put back");
}

Connection open_home(const Context &context) {
    Connection connection = Connection::open(context.target);
    const DbperfState state = read_dbperf_state(connection);
    if (state.module_loaded && state.extension_version.empty() && !results_database_of(connection).empty())
        return open_results(context.target); // the functions are there
    require_dbperf(connection);
    return connection;
}

std::string acquire(Connection &home, const std::string &name) {
    try {
        return home.execute("SELECT dbperf.acquire_database($1)", {name}).text(0, 0);
    } catch (const DatabaseError &error) {
        if (error.sqlstate().empty())
            throw;
        throw environment_error(error.what(), error.hint());
    }
}

std::string release(Connection &home, const std::string &name, bool keep = false) {
    return home.execute("SELECT dbperf.release_database($1, $2)", {name, keep ? "true" : "false"}).text(0, 0);
}

int prepare(const Context &context, const TestdbOptions &options) {
    TemplateRequest request;
    if (!options.migrations.empty())
        request.migrations = order_migrations(list_files(options.migrations, ".sql"));
    request.migrate_command = options.migrate_command;
    request.seed = options.seed;
    request.name = options.template_name;
    if (request.migrations.empty() && request.migrate_command.empty())
        throw usage_error(options.migrations.empty() ? "no migrations are named"
                                                     : fmt::format("no migrations are in {}", options.migrations),
                          "name their folder with --migrations, or what applies them with --migrate-command");
    Connection home = open_home(context);
    Progress progress(context.options.output);
    const PreparedTemplate prepared = prepare_template(context.target, home, request, progress);
    progress.show("making a first copy");
    release(home, acquire(home, prepared.name));
    if (context.json())
        print_json({{"template", prepared.name}, {"built", prepared.built}});
    else
        fmt::print("{}\n", prepared.name);
    return 0;
}

// The copy that this session holds now: a reset may have moved the lease to a new one. Empty: it was released.
std::string held_copy(Connection &home) {
    const Result held = home.execute("SELECT name FROM dbperf.test_databases"
                                     " WHERE state = 'leased' AND holder_pid = pg_catalog.pg_backend_pid()");
    return held.rows() == 0 ? "" : held.text(0, 0);
}

// The template that was prepared last, when none is named.
std::string chosen_template(Connection &home, const std::string &name) {
    if (!name.empty())
        return name;
    const Result known = home.execute("SELECT datname FROM pg_catalog.pg_database"
                                      " WHERE pg_catalog.starts_with(pg_catalog.shobj_description(oid, 'pg_database'), "
                                      "'made by dbperf: template of ')"
                                      " ORDER BY oid DESC LIMIT 1");
    if (known.rows() == 0)
        throw usage_error("no template is named",
                          "name a database with --template, or make one with `dbperf testdb prepare`");
    return known.text(0, 0);
}

int execute(const Context &context, const TestdbOptions &options) {
    if (options.command.empty())
        throw usage_error("no command is given", "dbperf testdb exec [--template NAME] -- COMMAND...");
    Connection home = open_home(context);
    home.execute("SET idle_session_timeout = 0");
    const std::string name = acquire(home, chosen_template(home, options.template_name));
    auto variables = home.environment();
    for (auto &[variable, value] : variables)
        if (variable == "PGDATABASE")
            value = name;
    const int status = run_in_foreground(options.command, variables, context.command_output());
    const InterruptShield shield;
    const std::string held = held_copy(home);
    const std::string outcome =
        held.empty() ? "released by the command" : release(home, held, options.keep && status != 0);
    const std::string &left = held.empty() ? name : held;
    if (outcome == "kept")
        fmt::print(stderr, "dbperf: database {} is kept as the command left it\n", left);
    if (context.json())
        print_json({{"database", left}, {"command_status", status}, {"outcome", outcome}});
    else if (context.options.output.verbose)
        fmt::print(stderr, "{}: {}\n", left, outcome);
    return status;
}

int list(const Context &context) {
    Connection home = open_home(context);
    const Result copies = home.execute("SELECT name, template, state, holder_pid, since::text, resets, reason, error"
                                       " FROM dbperf.test_databases ORDER BY template, name");
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    std::string errors; // too long for a column
    Table table;
    table.column("database").column("template").column("state").column("pid", Table::Align::right);
    table.column("resets", Table::Align::right).column("reason", Table::Align::left, true);
    for (int row = 0; row < copies.rows(); ++row) {
        json.push_back({{"name", copies.text(row, "name")},
                        {"template", copies.text(row, "template")},
                        {"state", copies.text(row, "state")},
                        {"holder_pid", copies.integer(row, "holder_pid")},
                        {"since", copies.text(row, "since")},
                        {"resets", copies.integer(row, "resets")},
                        {"reason", copies.text(row, "reason")},
                        {"error", copies.text(row, "error")}});
        table.row({copies.text(row, "name"), copies.text(row, "template"), copies.text(row, "state"),
                   copies.text(row, "holder_pid"), copies.text(row, "resets"), copies.text(row, "reason")});
        if (!copies.is_null(row, "error"))
            errors += wrapped(
                context.style, 0,
                one_line(fmt::format("{} cannot be dropped: {}", copies.text(row, "name"), copies.text(row, "error"))));
    }
    if (context.json())
        print_json({{"test_databases", json}});
    else if (table.empty())
        fmt::print("no test databases\n");
    else
        fmt::print("{}{}", table.render(context.style, 0), errors);
    return 0;
}

int collect(const Context &context, const TestdbOptions &options) {
    Connection home = open_home(context);
    const Result counts =
        home.execute("WITH collected AS MATERIALIZED (SELECT dbperf.collect_test_databases($1) AS number)"
                     " SELECT number, CASE WHEN number > 0 THEN (SELECT count(*) FROM dbperf.test_databases"
                     " WHERE state = 'kept') ELSE 0 END AS kept FROM collected",
                     {options.kept ? "true" : "false"});
    const long long left = counts.integer(0, "number");
    const long long kept = counts.integer(0, "kept");
    if (context.json())
        print_json({{"remaining", left}, {"kept", kept}});
    else if (left == 0)
        fmt::print("no test databases are left\n");
    else if (kept > 0)
        fmt::print("{} in use and {} kept remain\n", left - kept, kept);
    else
        fmt::print("{} in use remain\n", left);
    return 0;
}

int status(const Context &context) {
    Connection home = open_home(context);
    const Result items =
        home.execute("SELECT pg_catalog.substr(item, 16) AS item, value, note FROM dbperf.status()"
                     " WHERE pg_catalog.starts_with(item, 'test_databases_') OR item = 'test_databases'");
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    Table table;
    table.column("").column("", Table::Align::right).column("", Table::Align::left, true);
    for (int row = 0; row < items.rows(); ++row) {
        const std::string item = items.text(row, "item").empty() ? "existing" : items.text(row, "item");
        json.push_back({{"item", item}, {"value", items.integer(row, "value")}, {"note", items.text(row, "note")}});
        table.row({item, items.text(row, "value"), items.text(row, "note")});
    }
    if (context.json())
        print_json({{"status", json}});
    else
        fmt::print("{}", table.render(context.style, 0));
    return 0;
}

int testdb(const Context &context, const TestdbOptions &options) {
    if (options.action == "prepare")
        return prepare(context, options);
    if (options.action == "exec")
        return execute(context, options);
    if (options.action == "gc")
        return collect(context, options);
    return options.action == "status" ? status(context) : list(context);
}

} // namespace

const Command testdb_command = {
    "testdb", "a clean database for every test",
    "dbperf testdb prepare --migrations DIR [--seed FILE] [--template NAME]\n"
    "dbperf testdb exec [--template NAME] [--keep] -- COMMAND...\n\n"
    "The connection is to a database with the extension, such as postgres; not to the template.",
    with_options<TestdbOptions, testdb_options, testdb>};

} // namespace dbperf::client::testdb
