// What the command line says about results databases of their own, beside all else in options.h.
#pragma once

#include "cli/options.h"

#include <optional>
#include <string>
#include <vector>

namespace dbperf::client {

struct PushOptions {
    std::string run;
    bool all = false;
    bool init = false;
};

struct CollectOptions {
    std::vector<std::string> sources; // connection strings
    int interval_s = 0;               // 0: once
};

struct ResultsOptions {
    std::string database; // to send to or, in report, to read from; empty: the environment's, or none
    std::string project;  // to read of
    PushOptions push;
    CollectOptions collect;
};

// As parse_options() without them.
std::optional<Options> parse_options(int argc, const char *const *argv, ResultsOptions &results);

} // namespace dbperf::client
