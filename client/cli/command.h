// The commands and what each of them is given.
#pragma once

#include "base/process.h"
#include "cli/options.h"
#include "cli/project_file.h"
#include "postgres/connection.h"
#include "postgres/connection_target.h"
#include "queries/query_file.h"
#include "terminal/style.h"

#include <string>
#include <vector>

namespace dbperf::client {

struct Context {
    Options options;
    ProjectFile project;
    ConnectionTarget target;
    Style style;

    // A command that is observed must not write into a JSON answer.
    CommandOutput command_output() const { return json() ? CommandOutput::to_standard_error : CommandOutput::as_it_is; }
    bool json() const { return options.output.format == OutputFormat::json; }
};

Context make_context(const Options &options);

// Budgets of the project file for statements the application names itself become the server's.
void store_project_budgets(const Context &context, Connection &results);

// The monitored queries of a folder, the project file's when none is named; budgets of the project file stand above
// their own.
std::vector<MonitoredQuery> monitored_queries(const Context &context, const std::string &folder);

// Each returns the program's exit status, or throws an Error.
int command_run(const Context &context);
int command_compare(const Context &context);
int command_baseline(const Context &context);
int command_deadlock(const Context &context);
int command_check(const Context &context);
int command_report(const Context &context);
int command_export(const Context &context);
int command_push(const Context &context);
int command_collect(const Context &context);
int command_testdb(const Context &context);
int command_server(const Context &context);
int command_demo(const Context &context);
int command_doctor(const Context &context);

} // namespace dbperf::client
