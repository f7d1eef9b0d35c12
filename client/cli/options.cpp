// The command line as CLI11 sees it; the only file that includes CLI11.
#include "cli/options.h"

#include "base/error.h"
#include "base/spelling.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <iostream>
#include <map>
#include <string_view>

namespace dbperf::client::cli {
using namespace base;
using namespace postgres;
using namespace terminal;

namespace {

constexpr const char *exit_codes =
    "Exit codes: 0 clean, 1 findings, 2 usage, 3 environment (no connection, extension or privilege),\n"
    "4 internal error, 130 interrupted. `run` and `check` pass on the status of a COMMAND that fails.";

// Sets an enumeration from its word.
template <typename Value>
std::function<void(const std::string &)> one_of(Value &target, std::map<std::string, Value> words) {
    return [&target, words = std::move(words)](const std::string &word) {
        const auto found = words.find(word);
        if (found == words.end())
            throw CLI::ValidationError(fmt::format("\"{}\" is not possible here", word));
        target = found->second;
    };
}

// A whole number from 1 to the limit, 1 and the limit included.
CLI::Option *add_count(CLI::App &command, const char *name, int &target, int limit, const std::string &text) {
    return command.add_option(name, target, fmt::format("{} (default: {})", text, target))
        ->check(CLI::Range(1, limit).description(""))
        ->type_name("N");
}

void add_global_options(CLI::App &app, Options &options, bool &version) {
    const std::string connection =
        "Connection (as psql; also DBPERF_DATABASE_URL, PG*, DATABASE_URL, service files, .pgpass)";
    app.add_option("-h,--host", options.connection.host, "server host or socket directory")
        ->type_name("HOST")
        ->group(connection);
    app.add_option("-p,--port", options.connection.port, "server port")->type_name("PORT")->group(connection);
    app.add_option("-U,--username", options.connection.user, "database user")->type_name("NAME")->group(connection);
    app.add_option("-d,--dbname", options.connection.database, "database name, URI or conninfo string")
        ->type_name("DATABASE")
        ->group(connection);
    app.add_flag_callback(
           "-w,--no-password", [&] { options.connection.password = PasswordMode::never; }, "never ask for a password")
        ->group(connection);
    app.add_flag_callback(
           "-W,--password", [&] { options.connection.password = PasswordMode::always; }, "ask for a password at once")
        ->group(connection);

    const std::string output = "Output";
    app.add_option_function<std::string>(
           "--format", one_of(options.output.format, {{"text", OutputFormat::text}, {"json", OutputFormat::json}}),
           "for people or for programs")
        ->type_name("text|json")
        ->group(output);
    app.add_option_function<std::string>(
           "--color",
           one_of(options.output.color,
                  {{"auto", ColorMode::automatic}, {"always", ColorMode::always}, {"never", ColorMode::never}}),
           "auto: on a terminal, unless NO_COLOR is set")
        ->type_name("auto|always|never")
        ->group(output);
    app.add_flag("-q,--quiet", options.output.quiet, "no progress, only results and errors")->group(output);
    app.add_flag("-v,--verbose", options.output.verbose, "say more")->group(output);
    app.add_option("--config", options.project_file, "project file (default: dbperf.toml here or in a folder above)")
        ->type_name("FILE")
        ->group(output);
    app.add_flag("-V,--version", version, "print the version")->group(output);
}

void add_run(CLI::App &app, RunOptions &run) {
    CLI::App *command = app.add_subcommand("run", "observe a command, or execute the monitored queries");
    command->footer(
        "dbperf run [OPTIONS] -- COMMAND...\ndbperf run [OPTIONS] --queries DIR\n"
        "dbperf run [OPTIONS] --scale 1,2,4 [--seed SEED] -- COMMAND...\n\n"
        "With --scale the environment variable DBPERF_SCALE tells SEED and COMMAND which size it is: how much\n"
        "data that means is theirs to say. Each size is stored as a run of its own, LABEL@1, LABEL@2, LABEL@4.\n"
        "Exit code 1 when a statement is called more often the more data there is.");
    command->add_option("--label", run.label, "name of the run (default: from the time)")->type_name("LABEL");
    command->add_option("--queries", run.queries, "execute the monitored queries of this folder or file")
        ->type_name("PATH");
    add_count(*command, "--repeat", run.repeat, 1000000, "executions of each monitored query");
    command->add_option("--scale", run.scale, "run the command once for each size of the data; tell which calls grow")
        ->type_name("N,N,...");
    command->add_option("--seed", run.seed, "shell command that makes the data of a size, not counted (with --scale)")
        ->type_name("SEED");
}

void add_compare(CLI::App &app, CompareOptions &compare) {
    CLI::App *command = app.add_subcommand("compare", "judge a migration, or two stored runs");
    command->footer("dbperf compare [OPTIONS] [--from DATABASE | --template NAME] --migration FILE...\n"
                    "        [--queries DIR | --workload run:LABEL]\n"
                    "dbperf compare [OPTIONS] --baseline LABEL --candidate LABEL\n\n"
                    "Exit code 1 when a query regressed, fails after the migration or returns something else. With\n"
                    "--verbose both plans of each changed query are shown side by side.");
    CLI::Option *from = command
                            ->add_option("--from", compare.from,
                                         "database to copy both sides from (default: the one of the connection)")
                            ->type_name("DATABASE");
    command->add_option("--template", compare.template_name, "the same, for a template that takes no connections")
        ->type_name("NAME")
        ->excludes(from);
    command->add_option("--migration", compare.migrations, "file to apply to one of the two copies; may be given again")
        ->allow_extra_args(false);
    command->add_option("--queries", compare.queries, "folder or file of monitored queries")->type_name("PATH");
    command->add_option("--workload", compare.workload, "execute the statements that this run kept parameters of")
        ->type_name("run:LABEL");
    add_count(*command, "--samples", compare.samples, 100000, "least executions of each query on each side, in pairs");
    command
        ->add_option("--statement-timeout", compare.statement_timeout,
                     "a query that takes longer is cancelled and judged by that (default: 1min)")
        ->type_name("TIME");
    command
        ->add_option("--lock-timeout", compare.lock_timeout,
                     "a migration that waits longer for a lock fails (default: 10s)")
        ->type_name("TIME");
    command->add_option("--baseline", compare.baseline, "label of the stored run to compare with")->type_name("LABEL");
    command->add_option("--candidate", compare.candidate, "label of the stored run to judge")->type_name("LABEL");
}

void add_baseline(CLI::App &app, BaselineOptions &baseline) {
    CLI::App *command = app.add_subcommand("baseline", "runs as files, to be kept beside the code");
    command->footer("dbperf baseline export [OPTIONS] [--run LABEL] [--output FILE]\n"
                    "dbperf baseline import [OPTIONS] [--label LABEL] FILE");
    command->require_subcommand(1);
    command->fallthrough();
    CLI::App *exported = command->add_subcommand("export", "write a stored run as sorted JSON");
    exported->fallthrough();
    exported->callback([&baseline] { baseline.action = "export"; });
    exported->add_option("--run", baseline.run, "label of the run (default: the latest finished one)")
        ->type_name("LABEL");
    exported->add_option("--output", baseline.output, "file to write (default: standard output)")->type_name("FILE");
    CLI::App *imported = command->add_subcommand("import", "store a run from its file; replaces its last import");
    imported->fallthrough();
    imported->callback([&baseline] { baseline.action = "import"; });
    imported->add_option("FILE", baseline.file, "what `dbperf baseline export` wrote")->required()->type_name("");
    imported->add_option("--label", baseline.label, "label of the stored run (default: the one in the file)")
        ->type_name("LABEL");
}

void add_deadlock(CLI::App &app, DeadlockOptions &deadlock) {
    CLI::App *command =
        app.add_subcommand("deadlock", "simulate deadlocks and measure what they cost, or confirm predicted ones");
    command->footer(
        "dbperf deadlock [OPTIONS] SPEC...\ndbperf deadlock [OPTIONS] --confirm [--run LABEL]\n\n"
        "With --confirm each deadlock in dbperf.lock_cycles of a run is tried in a copy of its database, with the\n"
        "statements and parameters seen (dbperf.keep_parameters), and rolled back. Exit code 1 when one is\n"
        "confirmed.");
    command
        ->add_option("SPEC", deadlock.specs, "scenario in isolation-tester syntax, or a list of labelled ones (.txt)")
        ->type_name("");
    command->add_flag("--confirm", deadlock.confirm, "make the deadlocks that a run predicted happen, in copies");
    command->add_option("--run", deadlock.run, "label of that run (default: the latest that predicted any)")
        ->type_name("LABEL");
    add_count(*command, "--repeat", deadlock.repeat, 100000, "repetitions of each scenario");
    command
        ->add_option("--deadlock-timeout", deadlock.deadlock_timeouts,
                     "settings to try, as 10ms,100ms,1s (default: the server's)")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("TIME,...");
    add_count(*command, "--step-timeout", deadlock.step_timeout_s, 86400,
              "seconds without any event after which a scenario is given up");
    add_count(*command, "--throughput", deadlock.throughput_s, 86400,
              "instead, run each scenario's sessions again and again for so many seconds, beside its control");
    add_count(*command, "--clients", deadlock.clients, 1000, "sessions of --throughput");
}

void add_check(CLI::App &app, CheckOptions &check) {
    CLI::App *command = app.add_subcommand("check", "gate over a run: exit 1 when there are findings");
    command->footer("dbperf check [OPTIONS] [--run LABEL]\ndbperf check [OPTIONS] -- COMMAND...");
    command->add_option("--run", check.run, "label of the run to judge (default: the latest finished one)")
        ->type_name("LABEL");
    command->add_option("--baseline", check.baseline, "label of a run to compare with")->type_name("LABEL");
    command
        ->add_option("--report", check.reports,
                     "also write a report: json, junit, tap, markdown, html, sarif or openmetrics; may be given again")
        ->type_name("FORMAT=PATH")
        ->allow_extra_args(false);
}

void add_report(CLI::App &app, ReportOptions &report) {
    CLI::App *command = app.add_subcommand("report", "summary of a stored run, or what changed over runs");
    command->footer(
        "dbperf report [OPTIONS] [--run LABEL] [--html FILE]\ndbperf report [OPTIONS] [--since WHEN] [--query QUERY]");
    command->add_option("--run", report.run, "label of the run (default: the latest finished one)")->type_name("LABEL");
    command
        ->add_option("--since", report.since,
                     "queries over the runs since then: a date, an age as \"7 days\", or the label of a run")
        ->type_name("WHEN");
    command->add_option("--query", report.query, "one query over the runs: its name, text or fingerprint")
        ->type_name("QUERY");
    CLI::Option *html =
        command->add_option("--html", report.html, "instead write the run as a page of HTML")->type_name("FILE");
    command->add_option("--baseline", report.baseline, "label of a run that the page compares it with")
        ->type_name("LABEL")
        ->needs(html);
}

void add_export(CLI::App &app, ExportOptions &exporting) {
    CLI::App *command = app.add_subcommand("export", "metrics for Prometheus and its like");
    command->footer(
        "dbperf export [OPTIONS] [--openmetrics FILE] [--prometheus FILE]\ndbperf export [OPTIONS] --listen ADDRESS\n\n"
        "What the server observed outside runs, as counters, and what the latest finished run was.");
    command->add_option("--openmetrics", exporting.openmetrics, "write them into this file and end")->type_name("FILE");
    command
        ->add_option("--prometheus", exporting.prometheus,
                     "the same in the older text format, as node_exporter's textfile collector wants it")
        ->type_name("FILE");
    command
        ->add_option("--listen", exporting.listen,
                     "serve them at /metrics until stopped: a port, HOST:PORT or [IPV6]:PORT (host: 127.0.0.1)")
        ->type_name("ADDRESS");
    command->add_option("--run", exporting.run, "label of the run (default: the latest finished one)")
        ->type_name("LABEL");
}

void add_push(CLI::App &app, PushOptions &push) {
    CLI::App *command = app.add_subcommand("push", "send stored runs to a results database of their own");
    command->footer(
        "dbperf push [OPTIONS] [--run LABEL | --all]\ndbperf push [OPTIONS] --init\n\n"
        "A results database is a plain PostgreSQL, without the extension, for the runs of many servers and\n"
        "projects. Sending again completes what was interrupted and changes nothing else.");
    command->add_option("--run", push.run, "label of the run (default: the latest finished one)")->type_name("LABEL");
    command->add_flag("--all", push.all, "all finished runs that are not there yet");
    command->add_flag("--init", push.init, "make the results database of an existing database, as its owner");
}

void add_collect(CLI::App &app, CollectOptions &collect) {
    CLI::App *command = app.add_subcommand("collect", "fetch the runs of several servers into a results database");
    command->footer("dbperf collect [OPTIONS] --from URI [--from URI...] [--interval SECONDS]");
    command->add_option("--from", collect.sources, "a server with dbperf: URI or conninfo string; may be given again")
        ->required()
        ->type_name("URI")
        ->allow_extra_args(false);
    command->add_option("--interval", collect.interval_s, "again after so many seconds, until stopped (default: once)")
        ->check(CLI::Range(1, 1000000).description(""))
        ->type_name("SECONDS");
}

// What several commands send to or read from.
void add_results_database(CLI::App &app, ResultsOptions &results) {
    for (const char *name : {"run", "check", "push", "collect", "report"}) {
        const bool reads = std::string_view(name) == "report";
        app.get_subcommand(name)
            ->add_option("--results-db", results.database,
                         reads ? "what the results database has, with --since or --query"
                               : "results database of its own to send to (also DBPERF_RESULTS_DATABASE_URL)")
            ->type_name("URI");
    }
    app.get_subcommand("report")
        ->add_option("--project", results.project, "of the results database")
        ->type_name("NAME");
}

void add_testdb(CLI::App &app, TestdbOptions &testdb) {
    CLI::App *command = app.add_subcommand("testdb", "a clean database for every test");
    command->footer("dbperf testdb prepare --migrations DIR [--seed FILE] [--template NAME]\n"
                    "dbperf testdb exec [--template NAME] [--keep] -- COMMAND...\n\n"
                    "The connection is to a database with the extension, such as postgres; not to the template.");
    command->require_subcommand(1);
    command->fallthrough();
    const auto add = [&](const char *action, const char *text) {
        CLI::App *sub = command->add_subcommand(action, text);
        sub->fallthrough();
        sub->callback([&testdb, name = std::string(action)] { testdb.action = name; });
        return sub;
    };
    CLI::App *prepare = add("prepare", "make a template, once for each content; prints its name");
    prepare
        ->add_option("--migrations", testdb.migrations,
                     "folder of migrations: plain, golang-migrate, dbmate, goose, Flyway")
        ->type_name("DIR");
    prepare
        ->add_option("--migrate-command", testdb.migrate_command,
                     "shell command that migrates the database of PGDATABASE, after these")
        ->type_name("CMD");
    prepare->add_option("--seed", testdb.seed, "SQL file with rows that every test finds")->type_name("FILE");
    prepare->add_option("--template", testdb.template_name, "name of the template (default: from the content)")
        ->type_name("NAME");
    CLI::App *execute = add("exec", "run a command with PG* pointing to a clean database");
    execute->add_option("--template", testdb.template_name, "database to copy (default: what was prepared last)")
        ->type_name("NAME");
    execute->add_flag("--keep", testdb.keep, "keep the database when the command fails, and print its name");
    add("list", "the copies that exist");
    add("gc", "drop those that nobody holds")->add_flag("--kept", testdb.kept, "also those that were kept");
    add("status", "what was done, and what could not be put back");
}

void add_server(CLI::App &app, ServerOptions &server) {
    CLI::App *command = app.add_subcommand("server", "a private PostgreSQL server with dbperf loaded");
    command->require_subcommand(1);
    command->fallthrough();
    for (const char *action : {"start", "stop", "status"}) {
        const std::string name = action;
        const char *text = name == "start"  ? "create and start it, print how to connect"
                           : name == "stop" ? "stop it and remove all its files"
                                            : "say whether it runs and how to connect";
        CLI::App *sub = command->add_subcommand(name, text);
        sub->fallthrough();
        sub->callback([&server, name] { server.action = name; });
        sub->add_option("--dir", server.directory, "folder that remembers the server (default: below ~/.local/state)")
            ->type_name("PATH");
        if (name != "start")
            continue;
        sub->add_option("--pg-config", server.pg_config,
                        "pg_config of the PostgreSQL to run (default: PG_CONFIG, then PATH)")
            ->type_name("FILE");
        sub->add_option("--socket-dir", server.socket_directory,
                        "folder for the socket (default: a new one below /tmp)")
            ->type_name("PATH");
        sub->add_option("-c,--set", server.settings, "server setting; may be given again")
            ->type_name("NAME=VALUE")
            ->allow_extra_args(false);
    }
}

void add_demo(CLI::App &app, DemoOptions &demo) {
    CLI::App *command = app.add_subcommand("demo", "all scenarios on the sample shop, on a private server");
    command
        ->add_option("--pg-config", demo.pg_config,
                     "pg_config of the PostgreSQL to run (default: PG_CONFIG, then PATH)")
        ->type_name("FILE");
    add_count(*command, "--scale", demo.scale, 9999, "size of the shop; 1 is 500 users and 2,500 orders");
    command->add_option("--shop", demo.shop, "folder with migrations/ and benchmarks/ (default: looked for)")
        ->type_name("PATH");
    command->add_flag("--keep", demo.keep, "leave the server running for a look around");
}

// In the form of this program's other messages.
std::string plain_message(const CLI::ParseError &error) {
    std::string message = error.what();
    for (const std::string_view polite :
         {"The following argument was not expected: ", "The following arguments were not expected: "})
        if (message.starts_with(polite))
            return "unexpected: " + message.substr(polite.size());
    if (message.size() > 1 && std::islower(static_cast<unsigned char>(message[1])) != 0)
        message[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(message[0])));
    return message;
}

std::string unexpected_argument_hint(const CLI::App &app, const std::vector<std::string> &arguments) {
    std::vector<std::string_view> command_names;
    for (const CLI::App *command : app.get_subcommands([](const CLI::App *) { return true; }))
        command_names.push_back(command->get_name());
    for (const std::string &argument : arguments) {
        if (argument.starts_with("-"))
            continue;
        if (std::find(command_names.begin(), command_names.end(), argument) != command_names.end())
            break;
        if (std::string meant = did_you_mean(argument, command_names); !meant.empty())
            return meant;
    }
    const auto chosen = app.get_subcommands();
    return fmt::format("`dbperf {}--help` shows what there is", chosen.empty() ? "" : chosen.front()->get_name() + " ");
}

} // namespace

std::optional<Options> parse_options(int argc, const char *const *argv) {
    Options options;
    std::vector<std::string> arguments(argv + 1, argv + argc);
    std::vector<std::string> command;
    const auto separator = std::find(arguments.begin(), arguments.end(), "--");
    const bool separated = separator != arguments.end();
    if (separated)
        command.assign(separator + 1, arguments.end());
    arguments.erase(separator, arguments.end());

    CLI::App app("dbperf finds database performance problems while they are still in your branch.", "dbperf");
    bool version = false;
    app.set_help_flag("-?,--help", "print this help");
    app.fallthrough();
    app.footer(exit_codes);
    app.get_formatter()->column_width(32);
    add_global_options(app, options, version);
    add_run(app, options.run);
    add_compare(app, options.compare);
    add_baseline(app, options.baseline);
    add_deadlock(app, options.deadlock);
    add_check(app, options.check);
    add_report(app, options.report);
    add_export(app, options.exporting);
    add_push(app, options.push);
    add_collect(app, options.collect);
    add_results_database(app, options.results);
    add_testdb(app, options.testdb);
    add_server(app, options.server);
    add_demo(app, options.demo);
    app.add_subcommand("doctor", "what is loaded, what is missing, how to mend it");
    app.require_subcommand(0, 1);

    try {
        app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::CallForHelp &) {
        std::cout << app.help();
        return std::nullopt;
    } catch (const CLI::ParseError &error) {
        throw usage_error(plain_message(error), unexpected_argument_hint(app, arguments));
    }
    if (version) {
        std::cout << "dbperf " DBPERF_VERSION "\n";
        return std::nullopt;
    }
    if (app.get_subcommands().empty())
        throw usage_error("a command is needed", "try `dbperf demo`, or `dbperf --help` for the list");
    options.command = app.get_subcommands().front()->get_name();

    const bool takes_command = options.command == "run" || options.command == "check" ||
                               (options.command == "testdb" && options.testdb.action == "exec");
    if (separated && !takes_command)
        throw usage_error(fmt::format("\"{}\" takes no command after \"--\"", options.command));
    if (separated && command.empty())
        throw usage_error("no command after \"--\"");
    if (options.command == "deadlock" && !options.deadlock.confirm && options.deadlock.specs.empty())
        throw usage_error("a SPEC is needed", "or --confirm, to try the deadlocks that a run predicted");
    options.run.command = command;
    options.check.command = command;
    options.testdb.command = command;
    return options;
}

} // namespace dbperf::client::cli
