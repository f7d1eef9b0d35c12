// The commands and what each of them is given.
#pragma once

#include "connection_target.h"
#include "model_query_file.h"
#include "options.h"
#include "output_style.h"
#include "project_file.h"

#include <string>
#include <vector>

namespace dbperf::client {

struct Context {
    Options options;
    ProjectFile project;
    ConnectionTarget target;
    Style style;

    bool json() const { return options.output.format == OutputFormat::json; }
};

Context make_context(const Options &options);

// The monitored queries of a folder, the project file's when none is named; budgets of the project file stand above
// their own.
std::vector<MonitoredQuery> monitored_queries(const Context &context, const std::string &folder);

// Each returns the program's exit status, or throws an Error.
int command_run(const Context &context);
int command_compare(const Context &context);
int command_deadlock(const Context &context);
int command_check(const Context &context);
int command_report(const Context &context);
int command_server(const Context &context);
int command_demo(const Context &context);
int command_doctor(const Context &context);

} // namespace dbperf::client
