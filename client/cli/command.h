// Owns what a command is given.
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

namespace dbperf::client::cli {

struct Context {
    Options options;
    ProjectFile project;
    postgres::ConnectionTarget target;
    terminal::Style style;

    // A command that is observed must not write into a JSON answer.
    base::CommandOutput command_output() const {
        return json() ? base::CommandOutput::to_standard_error : base::CommandOutput::as_it_is;
    }
    bool json() const { return options.output.format == terminal::OutputFormat::json; }
};

// `kinds`: what the project file may turn into warnings.
Context make_context(const Options &options, const Kinds &kinds);

// Budgets of the project file for statements the application names itself become the server's.
void store_project_budgets(const Context &context, postgres::Connection &results);

// The monitored queries of a folder, the project file's when none is named; budgets of the project file stand above
// their own.
std::vector<queries::MonitoredQuery> monitored_queries(const Context &context, const std::string &folder);

} // namespace dbperf::client::cli
