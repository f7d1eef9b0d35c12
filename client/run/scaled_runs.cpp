#include "run/scaled_runs.h"

#include "base/error.h"
#include "base/interrupt.h"
#include "run/command_environment.h"
#include "run/observed_run.h"

#include <fmt/format.h>

namespace dbperf::client::run {
using namespace base;
using namespace postgres;

namespace {

constexpr const char *size_variable = "DBPERF_SCALE";

void seed_data(const ScaledCommand &scaled, const Variables &variables, const std::string &size) {
    const int status = run_in_foreground({"sh", "-c", scaled.seed}, variables, scaled.output);
    throw_if_interrupted();
    if (status != 0)
        throw environment_error(fmt::format("the seed command ended with status {} at size {}", status, size),
                                fmt::format("try it alone, with {}={} in its environment", size_variable, size));
}

} // namespace

SizedRuns observe_at_sizes(Connection &results, const std::string &label, const ScaledCommand &scaled) {
    SizedRuns observed;
    for (const long long size : scaled.sizes) {
        const std::string text = std::to_string(size);
        Variables variables = scaled.variables;
        variables.emplace_back(size_variable, text);
        if (!scaled.seed.empty())
            seed_data(scaled, variables, text);
        const std::string of_size = label + "@" + text;
        observed.status = observe_command(results, of_size, scaled.command, scaled.output, variables);
        observed.counts.push_back(load_statement_counts(results, of_size));
        if (observed.status != 0)
            break;
    }
    return observed;
}

} // namespace dbperf::client::run
