// Owns what the project says a run is judged by.
#pragma once

#include "cli/command.h"
#include "findings/load_check.h"

#include <string>

namespace dbperf::client::check {

// Without a label and a baseline. Throws a usage error when the monitored queries cannot be read.
findings::CheckRequest check_request(const cli::Context &context);

// The baseline: the label of a run or the path of a file; "" is none.
void add_baseline(findings::CheckRequest &request, postgres::Connection &results, const std::string &baseline,
                  bool only_new);

} // namespace dbperf::client::check
