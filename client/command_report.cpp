// dbperf report: the summary of a stored run.
#include "command.h"
#include "drive_requirements.h"
#include "output_json.h"
#include "output_run.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dbperf::client {

int command_report(const Context &context) {
    Connection results = open_results(context.target);
    const RunReport report = load_run_report(results, context.options.report.run);
    if (context.json())
        print_json(run_json(report));
    else
        fmt::print("{}", render_run(report, context.style));
    return 0;
}

} // namespace dbperf::client
