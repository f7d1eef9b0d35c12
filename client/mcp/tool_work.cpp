#include "mcp/tool_work.h"

#include "base/environment.h"
#include "base/error.h"
#include "base/interrupt.h"
#include "base/json_value.h"
#include "base/process.h"
#include "check/check_request.h"
#include "cli/command_line.h"
#include "mcp/finding_answers.h"
#include "mcp/shared_objects.h"
#include "migration/migration_file.h"
#include "postgres/installed_dbperf.h"
#include "run/command_environment.h"
#include "run/observed_run.h"
#include "terminal/json_answer.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace dbperf::client::mcp {
using namespace base;
using namespace postgres;
using namespace terminal;
using namespace cli;
using namespace migration;
using namespace run;
using namespace findings;
using namespace reports;
using namespace check;

namespace {

constexpr int patience_ms = 5000; // of a command that is asked to end
constexpr std::size_t first_findings = 20;

std::size_t number_of(const nlohmann::json &arguments, const char *name, std::size_t fallback) {
    return static_cast<std::size_t>(member_integer(arguments, name).value_or(static_cast<long long>(fallback)));
}

// Links are followed before it is asked where it is.
std::string file_below(const std::string &folder, const std::string &path) {
    std::error_code error;
    const std::filesystem::path real =
        std::filesystem::canonical(std::filesystem::path(folder) / std::filesystem::path(path), error);
    if (error)
        throw usage_error(fmt::format("cannot read {}: {}", path, error.message()));
    const std::string text = real.string();
    const std::string root = std::filesystem::canonical(folder, error).string();
    if (text != root && !text.starts_with(root == "/" ? root : root + "/"))
        throw usage_error(fmt::format("{} is not below {}", path, folder),
                          "files are read below the folder in which the server was started");
    return std::filesystem::relative(real, root, error).string(); // of this process's own folder
}

CheckReport load_run(const Context &context, Connection &results, const std::string &label, int command_status = 0) {
    CheckRequest request = check_request(context);
    request.label = label;
    request.command_status = command_status;
    add_baseline(request, results, context.project.check.baseline, context.project.check.only_new);
    return load_check(results, request);
}

int list_runs(const Context &context, const nlohmann::json &arguments) {
    Connection results = open_results(context.target);
    const Result rows = results.execute("SELECT r.label, r.state, r.started_at, r.finished_at, (SELECT count(*) FROM "
                                        "dbperf.findings f WHERE f.run = r.label) "
                                        "AS findings FROM dbperf.runs r ORDER BY r.started_at DESC, r.label LIMIT $1",
                                        {std::to_string(number_of(arguments, "limit", 20))});
    nlohmann::ordered_json runs = nlohmann::ordered_json::array();
    for (int row = 0; row < rows.rows(); ++row)
        runs.push_back({{"run", rows.text(row, "label")},
                        {"state", rows.text(row, "state")},
                        {"started_at", rows.text(row, "started_at")},
                        {"finished_at", text_or_null(rows.text(row, "finished_at"))},
                        {"findings", rows.integer(row, "findings")}});
    print_json({{"runs", std::move(runs)}});
    return 0;
}

int list_findings(const Context &context, const nlohmann::json &arguments) {
    std::string outcome = member_text(arguments, "outcome");
    if (outcome.empty())
        outcome = "failed";
    if (!is_outcome(outcome))
        throw usage_error(fmt::format("\"{}\" is no outcome", outcome),
                          "there are failed, warned, known, possible, not_judged and all");
    Connection results = open_results(context.target);
    print_json(findings_page(load_run(context, results, member_text(arguments, "run")), outcome,
                             number_of(arguments, "offset", 0), number_of(arguments, "limit", first_findings)));
    return 0;
}

int explain_finding(const Context &context, const nlohmann::json &arguments) {
    Connection results = open_results(context.target);
    const CheckReport report = load_run(context, results, member_text(arguments, "run"));
    const nlohmann::ordered_json answer =
        explained_finding(report, load_report_details(results, report), member_text(arguments, "finding"));
    if (answer.is_null())
        throw usage_error(
            fmt::format("the run {} has no finding \"{}\"", report.run.label, member_text(arguments, "finding")),
            "list_findings has their ids; name the same run");
    print_json(answer);
    return 0;
}

int run_command(const Context &context, const WorkSettings &settings, const nlohmann::json &arguments) {
    std::vector<std::string> command = settings.permissions.command;
    if (settings.permissions.any_command && arguments.contains("command"))
        command = arguments["command"].get<std::vector<std::string>>();
    std::string label = member_text(arguments, "label");
    if (label.empty())
        label = default_label();
    std::string database;
    Connection results = open_results(context.target, &database);
    store_project_budgets(context, results);
    Variables variables = command_environment(context.target, results, database, process_environment);
    variables.emplace_back("DBPERF_RUN", label);
    OpenRun run(results, label, RunScope::server);
    const int status = run_in_group(command, variables, CommandOutput::to_standard_error, patience_ms);
    throw_if_interrupted();
    run.finish();
    nlohmann::ordered_json answer =
        findings_page(load_run(context, results, label, status), "failed", 0, first_findings);
    answer["command_status"] = status;
    print_json(answer);
    return 0;
}

// Copies are the role's own; what else it may do, SQL of a file may do, too.
void refuse_powerful_role(const Context &context, const WorkSettings &settings) {
    if (settings.may_be_superuser)
        return;
    Connection connection = Connection::open(context.target);
    const Result role = connection.execute("SELECT rolname, rolsuper OR rolcreaterole OR pg_catalog.pg_has_role(oid, "
                                           "'pg_execute_server_program', 'USAGE') "
                                           "OR pg_catalog.pg_has_role(oid, 'pg_write_server_files', 'USAGE') OR "
                                           "pg_catalog.pg_has_role(oid, 'pg_read_server_files', 'USAGE') AS powerful "
                                           "FROM pg_catalog.pg_roles WHERE rolname "
                                           "= current_user",
                                           {});
    if (role.rows() > 0 && role.boolean(0, "powerful"))
        throw environment_error(
            fmt::format("the role {} may start programs, write files or make roles, and so may SQL that runs as it",
                        role.text(0, "rolname")),
            "start dbperf mcp with a role that has CREATEDB and not more, or with --allow-superuser");
}

// A command of dbperf, as if somebody had typed it.
int as_typed(const Context &context, std::vector<std::string> words) {
    words.insert(words.begin(), "dbperf");
    std::vector<const char *> arguments;
    for (const std::string &word : words)
        arguments.push_back(word.c_str());
    arguments.push_back(nullptr);
    const auto line = parse_command_line(context.commands, static_cast<int>(words.size()), arguments.data());
    if (!line)
        throw internal_error("a command line of its own is not understood");
    return line->run(context);
}

void add_workload(const WorkSettings &settings, const nlohmann::json &arguments, std::vector<std::string> &words) {
    if (const std::string queries = member_text(arguments, "queries"); !queries.empty())
        words.push_back("--queries=" + file_below(settings.folder, queries));
    if (const std::string workload = member_text(arguments, "workload"); !workload.empty())
        words.push_back("--workload=run:" + workload);
}

int compare_migration(const Context &context, const WorkSettings &settings, const nlohmann::json &arguments) {
    std::vector<std::string> words = {"compare"};
    for (const auto &each : arguments["migrations"]) {
        const std::string file = file_below(settings.folder, each.get<std::string>());
        for (const MigrationStatement &statement : load_migration(file).statements)
            if (const std::string object = shared_object(statement.words); !object.empty())
                throw usage_error(
                    fmt::format("{}:{}: it is about {}, which no copy has of its own", file, statement.line, object));
        words.push_back("--migration=" + file);
    }
    refuse_powerful_role(context, settings);
    add_workload(settings, arguments, words);
    if (const auto samples = member_integer(arguments, "samples"))
        words.push_back(fmt::format("--samples={}", *samples));
    return as_typed(context, std::move(words));
}

int advise_indexes(const Context &context, const WorkSettings &settings, const nlohmann::json &arguments) {
    refuse_powerful_role(context, settings);
    std::vector<std::string> words = {"advise"};
    add_workload(settings, arguments, words);
    if (const auto indexes = member_integer(arguments, "max_indexes"))
        words.push_back(fmt::format("--max-indexes={}", *indexes));
    return as_typed(context, std::move(words));
}

} // namespace

int do_tool_work(const Context &context, const WorkSettings &settings, ToolWork work, const nlohmann::json &arguments) {
    switch (work) {
    case ToolWork::list_runs:
        return list_runs(context, arguments);
    case ToolWork::list_findings:
        return list_findings(context, arguments);
    case ToolWork::explain_finding:
        return explain_finding(context, arguments);
    case ToolWork::run_command:
        return run_command(context, settings, arguments);
    case ToolWork::compare_migration:
        return compare_migration(context, settings, arguments);
    case ToolWork::advise_indexes:
        return advise_indexes(context, settings, arguments);
    case ToolWork::read_more:
        break; // needs no process
    }
    throw internal_error("a tool without work");
}

} // namespace dbperf::client::mcp
