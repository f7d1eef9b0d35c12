#include "metrics/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <string_view>

namespace dbperf::client::metrics {
using namespace postgres;
using namespace run;
using namespace findings;

namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

// Upper ends of the buckets in seconds, those that OpenTelemetry advises for database clients and two below.
constexpr std::array<const char *, 11> bucket_ends = {"0.0001", "0.0005", "0.001", "0.005", "0.01", "0.05",
                                                      "0.1",    "0.5",    "1.0",   "5.0",   "10.0"};

constexpr std::size_t max_unit_series = 500;

// Numbers per query as dbperf.query_metrics() names them.
struct QueryFigure {
    const char *column;
    const char *name; // between prefix and suffix
    const char *unit;
    const char *help;
};

constexpr std::array<QueryFigure, 5> query_figures = {{
    {"rows", "rows", "", "rows returned or changed"},
    {"aborted", "aborted", "", "executions that ended in an error or were cancelled"},
    {"planning_seconds", "planning_seconds", "seconds", "time spent on planning"},
    {"temp_blocks", "temp_blocks", "", "blocks of temporary files read and written"},
    {"wal_bytes", "wal_bytes", "bytes", "bytes of WAL written"},
}};

std::string bucket_ends_ms() {
    std::string list = "{";
    for (const char *end : bucket_ends)
        list += fmt::format("{}{}", list.size() == 1 ? "" : ",", std::string(end) + "e3");
    return list + "}";
}

// "{1,2,3}"
std::vector<double> numbers_of(std::string_view array) {
    std::vector<double> numbers;
    for (std::size_t at = 1; at + 1 < array.size();) {
        double number = 0;
        const auto read = std::from_chars(array.data() + at, array.data() + array.size(), number);
        numbers.push_back(number);
        at = static_cast<std::size_t>(read.ptr - array.data()) + 1;
        if (read.ec != std::errc())
            break;
    }
    return numbers;
}

Labels query_labels(const Result &rows, int row) {
    Labels labels = {{"database", rows.text(row, "database")}, {"query", rows.text(row, "query")}};
    if (const std::string project = rows.text(row, "project"); !project.empty())
        labels.insert(labels.begin(), {"project", project});
    return labels;
}

Labels with(Labels labels, const std::string &name, const std::string &value) {
    labels.emplace_back(name, value);
    return labels;
}

void add_histogram(MetricFamily &family, const Result &rows, int row) {
    const Labels labels = query_labels(rows, row);
    const double calls = static_cast<double>(rows.integer(row, "calls"));
    const std::vector<double> counts = numbers_of(rows.text(row, "buckets"));
    for (std::size_t i = 0; i < bucket_ends.size() && i < counts.size(); ++i)
        family.samples.push_back({"_bucket", with(labels, "le", bucket_ends[i]), counts[i]});
    family.samples.push_back({"_bucket", with(labels, "le", "+Inf"), calls});
    family.samples.push_back({"_count", labels, calls});
    family.samples.push_back({"_sum", labels, rows.number(row, "seconds").value_or(0)});
}

// One family a figure. Outside runs figures only grow: counters; those of a run are what they are.
std::vector<MetricFamily> query_families(Connection &connection, const Parameter &run, const std::string &prefix,
                                         const std::string &when) {
    const Result rows = connection.execute(
        "SELECT *, coalesce(pg_catalog.current_setting('dbperf.project', true), '') AS project"
        " FROM dbperf.query_metrics($1, bounds_ms => $2::double precision[]) ORDER BY database, query",
        {run, bucket_ends_ms()});
    const MetricType type = run ? MetricType::gauge : MetricType::counter;
    const std::string suffix = run ? "" : "_total";
    std::vector<MetricFamily> families;
    MetricFamily &durations = families.emplace_back(
        MetricFamily{prefix + "_duration_seconds", MetricType::histogram, "seconds", "execution times " + when, {}});
    for (int row = 0; row < rows.rows(); ++row)
        add_histogram(durations, rows, row);
    for (const QueryFigure &figure : query_figures) {
        MetricFamily &family = families.emplace_back(MetricFamily{
            fmt::format("{}_{}", prefix, figure.name), type, figure.unit, fmt::format("{} {}", figure.help, when), {}});
        for (int row = 0; row < rows.rows(); ++row)
            family.samples.push_back({suffix, query_labels(rows, row), rows.number(row, figure.column).value_or(0)});
    }
    MetricFamily &blocks = families.emplace_back(MetricFamily{
        prefix + "_shared_blocks", type, "", "blocks touched, found in shared memory or read, " + when, {}});
    for (int row = 0; row < rows.rows(); ++row) {
        const Labels labels = query_labels(rows, row);
        blocks.samples.push_back(
            {suffix, with(labels, "source", "hit"), rows.number(row, "shared_blocks_hit").value_or(0)});
        blocks.samples.push_back(
            {suffix, with(labels, "source", "read"), rows.number(row, "shared_blocks_read").value_or(0)});
    }
    return families;
}

// Of units that took longest, so that a name that changes with every request makes no series without end.
std::vector<MetricFamily> unit_families(const RunReport &run) {
    std::vector<const UnitFigures *> units;
    for (const UnitFigures &each : run.units)
        if (!each.name.empty())
            units.push_back(&each);
    std::sort(units.begin(), units.end(),
              [](const UnitFigures *a, const UnitFigures *b) { return a->exec_ms > b->exec_ms; });
    if (units.empty())
        return {};
    units.resize(std::min(units.size(), max_unit_series));
    struct Figure {
        const char *name, *unit, *help;
        double (*value)(const UnitFigures &unit);
    };
    const Figure figures[] = {
        {"dbperf_run_unit_occurrences", "", "how often the unit of work was done in the last run",
         [](const UnitFigures &unit) { return static_cast<double>(unit.occurrences); }},
        {"dbperf_run_unit_statements", "", "most statements of the unit of work when it was done once",
         [](const UnitFigures &unit) { return unit.statement_counts.most; }},
        {"dbperf_run_unit_execution_seconds", "seconds", "median execution time of the unit of work",
         [](const UnitFigures &unit) { return unit.exec_times.median / 1000; }},
        {"dbperf_run_unit_findings", "", "findings that name the unit of work",
         [](const UnitFigures &unit) { return static_cast<double>(unit.findings); }}};
    std::vector<MetricFamily> families;
    for (const Figure &figure : figures) {
        MetricFamily &family =
            families.emplace_back(MetricFamily{figure.name, MetricType::gauge, figure.unit, figure.help, {}});
        for (const UnitFigures *each : units)
            family.samples.push_back({"", {{"unit", each->name}}, figure.value(*each)});
    }
    return families;
}

MetricFamily single(const std::string &name, const std::string &unit, const std::string &help, double value) {
    return {name, MetricType::gauge, unit, help, {{"", {}, value}}};
}

// Copies by state, the empty states too, and what happened to copies since the server started.
std::vector<MetricFamily> test_database_families(Connection &connection) {
    const Result states = connection.execute(
        "SELECT s.state, pg_catalog.count(t.name) AS copies"
        " FROM pg_catalog.unnest('{creating,ready,leased,ending,recycling,dropping}'::text[]) WITH ORDINALITY s(state, "
        "place)"
        " LEFT JOIN dbperf.test_databases t ON t.state = s.state GROUP BY s.state, s.place ORDER BY s.place");
    MetricFamily copies{"dbperf_test_databases", MetricType::gauge, "", "test databases that exist, by state", {}};
    for (int row = 0; row < states.rows(); ++row)
        copies.samples.push_back(
            {"", {{"state", states.text(row, "state")}}, states.number(row, "copies").value_or(0)});
    const Result counts = connection.execute(
        "SELECT e.event, coalesce(pg_catalog.sum(s.value::bigint), 0) AS count"
        " FROM pg_catalog.unnest('{acquired,made,clean,reset,replaced}'::text[]) WITH ORDINALITY e(event, place)"
        " LEFT JOIN dbperf.status() s ON s.item = 'test_databases_' || e.event GROUP BY e.event, e.place ORDER BY "
        "e.place");
    MetricFamily events{"dbperf_test_database_events",
                        MetricType::counter,
                        "",
                        "leases, new copies, and how copies became clean again",
                        {}};
    for (int row = 0; row < counts.rows(); ++row)
        events.samples.push_back(
            {"_total", {{"event", counts.text(row, "event")}}, counts.number(row, "count").value_or(0)});
    return {std::move(copies), std::move(events)};
}

} // namespace

std::vector<MetricFamily> load_run_metrics(Connection &results, const CheckReport &report) {
    const double finished =
        results
            .execute("SELECT extract(epoch FROM $1::timestamptz) AS at",
                     {report.run.finished_at.empty() ? report.run.started_at : report.run.finished_at})
            .number(0, "at")
            .value_or(0);
    std::vector<MetricFamily> families = {
        single("dbperf_run_timestamp_seconds", "seconds", "when the last run was finished, in Unix time", finished),
        single("dbperf_run_duration_seconds", "seconds", "how long the last run took", report.run.seconds),
        single("dbperf_run_success", "", "1 when nothing found in the last run fails a check, else 0",
               report.passed() && report.command_status == 0 ? 1 : 0)};
    std::map<std::pair<std::string, std::string>, double> counts;
    for (const Judgement &each : report.judgements)
        counts[{each.kind, each.severity}] +=
            each.outcome == Outcome::passed || each.outcome == Outcome::possible || each.outcome == Outcome::known ? 0
                                                                                                                   : 1;
    MetricFamily &findings = families.emplace_back(
        MetricFamily{"dbperf_run_findings", MetricType::gauge, "", "findings of the last run", {}});
    for (const auto &[kind, count] : counts)
        findings.samples.push_back({"", {{"kind", kind.first}, {"severity", kind.second}}, count});
    MetricFamily &dropped = families.emplace_back(MetricFamily{
        "dbperf_run_dropped", MetricType::gauge, "", "what the last run could not keep for want of room", {}});
    for (const Dropped &each : report.run.dropped)
        dropped.samples.push_back({"", {{"what", each.item}}, static_cast<double>(each.count)});
    for (MetricFamily &family : unit_families(report.run))
        families.push_back(std::move(family));
    for (MetricFamily &family : query_families(results, report.run.label, "dbperf_run_query", "in the last run"))
        families.push_back(std::move(family));
    return families;
}

std::vector<MetricFamily> load_server_metrics(Connection &connection) {
    const Result status = connection.execute("SELECT item, value FROM dbperf.status()");
    MetricFamily build{"dbperf_build_info", MetricType::gauge, "", "version of the module in the server", {}};
    MetricFamily lost{
        "dbperf_dropped", MetricType::counter, "", "what was not kept for want of room, by what it was", {}};
    for (int row = 0; row < status.rows(); ++row) {
        const std::string item = status.text(row, "item");
        if (item == "module_version")
            build.samples.push_back({"", {{"version", status.text(row, "value")}}, 1});
        else if (item.starts_with("dropped_") || item == "evicted_statements")
            lost.samples.push_back(
                {"_total",
                 {{"what", item.substr(item.find('_') + 1)}, {"reason", item.substr(0, item.find('_'))}},
                 status.number(row, "value").value_or(0)});
    }
    std::vector<MetricFamily> families = {std::move(build), std::move(lost)};
    for (MetricFamily &family : test_database_families(connection))
        families.push_back(std::move(family));
    for (MetricFamily &family : query_families(connection, std::nullopt, "dbperf_query", "outside runs"))
        families.push_back(std::move(family));
    return families;
}

} // namespace dbperf::client::metrics
