#include "statistics/statistics_command.h"

#include "base/error.h"
#include "base/file_text.h"
#include "statistics/statistics_export.h"
#include "terminal/json_answer.h"
#include "terminal/progress.h"
#include "terminal/table.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dbperf::client::statistics {
using namespace base;
using namespace postgres;
using namespace terminal;
using namespace cli;

namespace {

struct StatisticsOptions {
    std::string action; // export
    std::string output; // empty: standard output
    bool redact = false;
};

void statistics_options(OptionList &list, StatisticsOptions &options) {
    OptionList exported =
        list.action(options.action, "export", "write what the planner of a server from 13 on knows as JSON");
    exported.text("--output", "FILE", options.output, "file to write, for its owner alone (default: standard output)");
    exported.flag("--redact", options.redact,
                  "leave out values of texts and of all else that is no number, time or enum");
}

void print_summary(const Context &context, const nlohmann::ordered_json &document) {
    const auto size = [&document](const char *name) { return static_cast<long long>(document.at(name).size()); };
    const std::string counts =
        fmt::format("{}, {}, {}, {}", plural(size("relations"), "relation", "relations"),
                    plural(size("indexes"), "index", "indexes"), plural(size("columns"), "column", "columns"),
                    plural(size("missing"), "object missing", "objects missing"));
    fmt::print(stderr, "dbperf: {}\n", counts);
    constexpr long long shown = 20;
    long long number = 0;
    for (const auto &each : document.at("missing")) {
        if (++number > shown && !context.options.output.verbose) {
            fmt::print(stderr, "  and {} more\n", size("missing") - shown);
            break;
        }
        const std::string relation = each.at("relation");
        fmt::print(stderr, "  missing: {}\n",
                   one_line(fmt::format("{} {}{}{}: {}", each.at("kind").get<std::string>(),
                                        relation.empty() ? "" : each.at("schema").get<std::string>() + "." + relation,
                                        relation.empty() || each.at("name") == "" ? "" : ".",
                                        each.at("name").get<std::string>(), each.at("reason").get<std::string>())));
    }
}

int statistics(const Context &context, const StatisticsOptions &options) {
    Connection source = Connection::open(context.target);
    Progress progress(context.options.output);
    const nlohmann::ordered_json document =
        export_statistics(source, {options.redact}, [&progress](std::string_view what) { progress.show(what); });
    progress.clear();
    const std::string text = json_text(document);
    if (options.output.empty())
        fmt::print("{}\n", text);
    else
        write_file(options.output, text + "\n", Readers::owner_alone);
    if (!context.options.output.quiet)
        print_summary(context, document);
    return 0;
}

} // namespace

const Command statistics_command = {
    "statistics", "what a server's planner knows, to plan with it elsewhere",
    "dbperf statistics export [OPTIONS] [--output FILE] [--redact]\n\n"
    "Nothing is installed on that server, and no superuser is needed: what the role may not read is named.\n"
    "dbperf.import_statistics() and dbperf compare --statistics take the file. It holds values of columns\n"
    "unless --redact is given.",
    with_options<StatisticsOptions, statistics_options, statistics>};

} // namespace dbperf::client::statistics
