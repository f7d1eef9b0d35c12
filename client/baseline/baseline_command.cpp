#include "baseline/baseline_command.h"

#include "base/error.h"
#include "base/file_text.h"
#include "baseline/baseline_file.h"
#include "postgres/installed_dbperf.h"
#include "terminal/table.h"
#include "terminal/json_answer.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dbperf::client::baseline {
using namespace base;
using namespace postgres;
using namespace terminal;
using namespace cli;

namespace {

constexpr int deepest_json = 2000; // plans of hundreds of nodes are less

struct BaselineOptions {
    std::string action; // export, import
    std::string run;
    std::string output; // empty: standard output
    std::string file;
    std::string label;
};

void baseline_options(OptionList &list, BaselineOptions &options) {
    OptionList exported = list.action(options.action, "export", "write a stored run as sorted JSON");
    exported.text("--run", "LABEL", options.run, "label of the run (default: the latest finished one)");
    exported.text("--output", "FILE", options.output, "file to write (default: standard output)");
    OptionList imported = list.action(options.action, "import", "store a run from its file; replaces its last import");
    imported.argument("FILE", options.file, "what `dbperf baseline export` wrote").required();
    imported.text("--label", "LABEL", options.label, "label of the stored run (default: the one in the file)");
}

Parameter unless_empty(const std::string &text) {
    return text.empty() ? Parameter() : Parameter(text);
}

int export_run(const Context &context, const BaselineOptions &options) {
    Connection results = open_results(context.target);
    const std::string exported =
        results.execute("SELECT dbperf.export_run($1)", {unless_empty(options.run)}).text(0, 0);
    const std::string text = baseline_text(nlohmann::json::parse(exported));
    if (options.output.empty())
        fmt::print("{}", text);
    else
        write_file(options.output, text, Readers::owner_alone);
    return 0;
}

nlohmann::json parse_export(const std::string &file) {
    try {
        return nlohmann::json::parse(read_file(file), [&file](int depth, auto, auto &) {
            if (depth > deepest_json)
                throw usage_error(
                    fmt::format("{} is no export of a run: it is nested more than {} deep", file, deepest_json));
            return true;
        });
    } catch (const nlohmann::json::parse_error &error) {
        throw usage_error(fmt::format("{} is no JSON: it breaks at byte {}", file, error.byte),
                          "take it as `dbperf baseline export` wrote it; a merge may have left its marks");
    }
}

int import_run(const Context &context, const BaselineOptions &options) {
    const nlohmann::json exported = parse_export(options.file);
    Connection results = open_results(context.target);
    Result stored;
    try {
        stored = results.execute(
            "WITH imported AS MATERIALIZED (SELECT dbperf.import_run($1::jsonb, $2) AS run_id)"
            " SELECT run_id FROM imported",
            {exported.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), unless_empty(options.label)});
    } catch (const DatabaseError &error) {
        if (error.sqlstate().empty())
            throw;
        const bool is_measured_here = error.sqlstate() == "42710";
        throw environment_error(fmt::format("{}: {}", options.file, error.what()),
                                is_measured_here ? "import it with --label and another name: only imported runs are "
                                                   "replaced"
                                                 : error.hint());
    }
    const Result label =
        results.execute("SELECT label FROM dbperf.runs WHERE run_id = $1::uuid", {stored.text(0, "run_id")});
    const std::size_t statements = exported.at("statements").size();
    const std::size_t plans = exported.at("plans").size();
    if (context.json())
        print_json({{"run", label.text(0, 0)}, {"statements", statements}, {"plans", plans}});
    else
        fmt::print("imported run {}: {}, {}\n", label.text(0, 0),
                   plural(static_cast<long long>(statements), "statement", "statements"),
                   plural(static_cast<long long>(plans), "plan", "plans"));
    return 0;
}

int baseline(const Context &context, const BaselineOptions &options) {
    return options.action == "export" ? export_run(context, options) : import_run(context, options);
}

} // namespace

const Command baseline_command = {"baseline", "runs as files, to be kept beside the code",
                                  "dbperf baseline export [OPTIONS] [--run LABEL] [--output FILE]\n"
                                  "dbperf baseline import [OPTIONS] [--label LABEL] FILE",
                                  with_options<BaselineOptions, baseline_options, baseline>};

} // namespace dbperf::client::baseline
