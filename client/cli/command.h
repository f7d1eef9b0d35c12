// Owns what a command is: what it is called, what it may be given, what it is given when it runs.
#pragma once

#include "base/process.h"
#include "cli/option_list.h"
#include "cli/options.h"
#include "cli/project_file.h"
#include "postgres/connection.h"
#include "postgres/connection_target.h"
#include "queries/query_file.h"
#include "terminal/style.h"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dbperf::client::cli {

struct Command;

struct Context {
    Options options;
    ProjectFile project;
    postgres::ConnectionTarget target;
    terminal::Style style;
    std::span<const Command *const> commands; // all there are, for those that are about the program itself

    // A command that is observed must not write into a JSON answer.
    base::CommandOutput command_output() const {
        return json() ? base::CommandOutput::to_standard_error : base::CommandOutput::as_it_is;
    }
    bool json() const { return options.output.format == terminal::OutputFormat::json; }
};

// Gives the program's exit status, or throws an Error.
using Run = std::function<int(const Context &)>;

// A row in the table of commands: dispatch, help and the reference page are made from it.
struct Command {
    std::string_view name;
    std::string_view summary;
    std::string_view usage;       // below the options in its help; empty: what stands there for all
    Run (*prepare)(OptionList &); // declares the options; what it gives runs with their values
    bool writes_markdown = false; // with --format markdown
    bool reads_project = true;    // else dbperf.toml is left alone, be it wrong
};

// Of a command with options of a type of its own.
template <typename CommandOptions, void (*declare)(OptionList &, CommandOptions &),
          int (*run)(const Context &, const CommandOptions &)>
Run with_options(OptionList &list) {
    auto options = std::make_shared<CommandOptions>();
    declare(list, *options);
    return [options](const Context &context) { return run(context, *options); };
}

// Of a command without any.
template <int (*run)(const Context &)>
Run without_options(OptionList &) {
    return run;
}

// `kinds`: what the project file may turn into warnings.
Context make_context(const Options &options, const Kinds &kinds);
Context make_context_without_project(const Options &options);

// Budgets of the project file for statements the application names itself become the server's.
void store_project_budgets(const Context &context, postgres::Connection &results);

// The monitored queries of a folder, the project file's when none is named; budgets of the project file stand above
// their own.
std::vector<queries::MonitoredQuery> monitored_queries(const Context &context, const std::string &folder);

} // namespace dbperf::client::cli
