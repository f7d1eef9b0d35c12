#include "run/run_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace dbperf::client::run {
using namespace base;
using namespace postgres;
using namespace queries;

namespace {

constexpr const char *figures =
    "coalesce(query_name, '') AS query_name, query, calls, over_budget, mean_ms, p95_ms, max_ms, total_ms";

// A label may be used again; it stands for its latest run.
constexpr const char *of_run =
    "run_id = (SELECT run_id FROM dbperf.runs WHERE label = $1 ORDER BY started_at DESC LIMIT 1)";

std::vector<StatementFigures> read_figures(const Result &rows) {
    std::vector<StatementFigures> statements;
    for (int row = 0; row < rows.rows(); ++row)
        statements.push_back({rows.text(row, "query_name"), rows.text(row, "query"), rows.integer(row, "calls"),
                              rows.integer(row, "over_budget"), rows.number(row, "mean_ms").value_or(0),
                              rows.number(row, "p95_ms").value_or(0), rows.number(row, "max_ms").value_or(0),
                              rows.number(row, "total_ms").value_or(0)});
    return statements;
}

Result find_run(Connection &results, const std::string &label) {
    const std::string columns =
        "SELECT run_id, label, state, to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS "
        "started_at,"
        " to_char(finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS finished_at,"
        " extract(epoch FROM coalesce(finished_at, now()) - started_at) AS seconds FROM dbperf.runs ";
    Result run = label.empty()
                     ? results.execute(columns + "WHERE state = 'finished' ORDER BY runs.finished_at DESC LIMIT 1", {})
                     : results.execute(columns + "WHERE label = $1 ORDER BY runs.started_at DESC LIMIT 1", {label});
    if (run.rows() == 0)
        throw environment_error(
            label.empty() ? "no run is stored yet" : fmt::format("no run is labelled \"{}\"", label),
            "`dbperf run -- COMMAND` makes one; SELECT label FROM dbperf.runs; shows what there is");
    return run;
}

std::string threshold_text(const Yardsticks &yardsticks) {
    return yardsticks.threshold_ms ? fmt::format("{}", *yardsticks.threshold_ms) : "";
}

std::vector<StoredFinding> load_findings(Connection &results, const std::string &label, const Yardsticks &yardsticks) {
    const Result rows = results.execute(
        "SELECT kind, severity, gate, coalesce(query, '') AS query, reason, coalesce(database, '') AS database,"
        " details ->> 'fingerprint' AS fingerprint, details ->> 'cause' AS cause, details ->> 'suggestion' AS "
        "suggestion,"
        " CASE WHEN details ? 'unit' THEN query ELSE coalesce(details ->> 'short_query', dbperf.short_query(query)) "
        "END AS "
        "short_query,"
        " dbperf.short_query(details ->> 'suggestion') AS short_suggestion,"
        " details ->> 'mapper_advice' AS mapper_advice, details ->> 'advice' AS advice,"
        " details ->> 'call_site' AS call_site, details ->> 'metric' AS metric,"
        " details ->> 'confidence' AS confidence, coalesce(details -> 'acknowledged' = 'true', false) AS "
        "acknowledged,"
        " coalesce(details ->> 'finding_id', details ->> 'deadlock_id', details ->> 'cycle_id') AS evidence,"
        " coalesce((details ->> 'exec_ms')::float8 + coalesce((details ->> 'wait_ms')::float8, 0), (details ->> "
        "'total_ms')::float8,"
        " (details ->> 'ms_after')::float8 - (details ->> 'ms_before')::float8) AS price_ms, details,"
        " dbperf.finding_key(kind, query, details) AS key,"
        " coalesce(details ->> 'unit', details ->> 'scope') AS unit, details ->> 'pattern' AS pattern"
        " FROM dbperf.run_findings($1, nullif($2, ''), nullif($3, '')::float8, nullif($4, '')::jsonb)",
        {label, yardsticks.baseline, threshold_text(yardsticks), unit_budgets_json(yardsticks.unit_budgets)});
    std::vector<StoredFinding> findings;
    for (int row = 0; row < rows.rows(); ++row) {
        StoredFinding each;
        each.kind = rows.text(row, "kind");
        each.severity = rows.text(row, "severity");
        each.query = rows.text(row, "query");
        each.reason = rows.text(row, "reason");
        each.database = rows.text(row, "database");
        each.gate = rows.boolean(row, "gate");
        each.fingerprint = rows.text(row, "fingerprint");
        each.cause = rows.text(row, "cause");
        each.suggestion = rows.text(row, "suggestion");
        each.short_query = rows.text(row, "short_query");
        each.short_suggestion = rows.text(row, "short_suggestion");
        each.mapper_advice = rows.text(row, "mapper_advice");
        each.advice = rows.text(row, "advice");
        each.call_site = rows.text(row, "call_site");
        each.metric = rows.text(row, "metric");
        each.confidence = rows.text(row, "confidence");
        each.acknowledged = rows.boolean(row, "acknowledged");
        each.evidence = rows.text(row, "evidence");
        each.unit = rows.text(row, "unit");
        each.pattern = rows.text(row, "pattern");
        each.details = rows.text(row, "details");
        each.key = rows.text(row, "key");
        each.price_ms = rows.number(row, "price_ms").value_or(0);
        findings.push_back(std::move(each));
    }
    return findings;
}

Spread read_spread(const Result &rows, int row, const std::string &name) {
    return {rows.number(row, name + "_min").value_or(0), rows.number(row, name + "_median").value_or(0),
            rows.number(row, name + "_max").value_or(0)};
}

// Findings as this check has them: it may know more budgets than the server.
std::vector<UnitFigures> load_units(Connection &results, const std::string &run_id,
                                    const std::vector<StoredFinding> &findings) {
    const Result rows = results.execute(
        "SELECT coalesce(unit, '') AS unit, dbperf.unit_scope(unit) AS scope, occurrences, statements, statements_min,"
        " statements_median, statements_max, distinct_statements_min, distinct_statements_median, "
        "distinct_statements_max,"
        " rows, rows_min, rows_median, rows_max, exec_ms, exec_ms_min, exec_ms_median, exec_ms_max, wait_ms, "
        "wait_ms_min,"
        " wait_ms_median, wait_ms_max FROM dbperf.units WHERE run_id = $1::uuid",
        {run_id});
    std::map<std::string, long long> in_unit;
    std::map<std::string, long long> in_scope;
    for (const StoredFinding &each : findings)
        if (!each.unit.empty())
            ++(each.kind == "budget" ? in_unit : in_scope)[each.unit];
    std::vector<UnitFigures> units;
    for (int row = 0; row < rows.rows(); ++row) {
        UnitFigures each;
        each.name = rows.text(row, "unit");
        each.scope = rows.text(row, "scope");
        each.occurrences = rows.integer(row, "occurrences");
        each.statements = rows.integer(row, "statements");
        each.rows = rows.integer(row, "rows");
        each.exec_ms = rows.number(row, "exec_ms").value_or(0);
        each.wait_ms = rows.number(row, "wait_ms").value_or(0);
        each.statement_counts = read_spread(rows, row, "statements");
        each.distinct_statements = read_spread(rows, row, "distinct_statements");
        each.row_counts = read_spread(rows, row, "rows");
        each.exec_times = read_spread(rows, row, "exec_ms");
        each.wait_times = read_spread(rows, row, "wait_ms");
        if (const auto found = in_unit.find(each.name); found != in_unit.end() && !each.name.empty())
            each.findings += found->second;
        if (const auto found = in_scope.find(each.scope); found != in_scope.end())
            each.findings += found->second;
        units.push_back(std::move(each));
    }
    std::sort(units.begin(), units.end(), [](const UnitFigures &a, const UnitFigures &b) {
        if ((a.findings > 0) != (b.findings > 0))
            return a.findings > 0;
        return a.exec_ms != b.exec_ms ? a.exec_ms > b.exec_ms : a.name < b.name;
    });
    return units;
}

} // namespace

std::vector<Dropped> load_dropped(Connection &results, const std::string &label) {
    const Result rows = results.execute(
        fmt::format("SELECT item, setting, reason, dropped FROM dbperf.dropped WHERE {} ORDER BY dropped DESC, item",
                    of_run),
        {label});
    std::vector<Dropped> dropped;
    for (int row = 0; row < rows.rows(); ++row)
        dropped.push_back({rows.text(row, "item"), rows.text(row, "setting"), rows.text(row, "reason"),
                           rows.integer(row, "dropped")});
    return dropped;
}

std::vector<NPlusOne> load_n_plus_one(Connection &results, const std::string &label) {
    const Result rows = results.execute(
        "SELECT scope, kind, confidence, query, key_column, parent_query, parent_relation, parent_column, suggestion, "
        "finding_id::text AS finding_id, call_site, calls, distinct_keys, backends, exec_ms, wait_ms, mapper_advice, "
        "advice,"
        " short_query, dbperf.short_query(parent_query) AS short_parent_query,"
        " dbperf.short_query(suggestion) AS short_suggestion, scopes, scope_calls_min, scope_calls_max, traceparent,"
        " (extract(epoch FROM first_at) * 1000000)::bigint AS first_us"
        " FROM dbperf.n_plus_one WHERE " +
            std::string(of_run) +
            " ORDER BY array_position(ARRAY['proven', 'likely', 'possible'], confidence), calls DESC, query,"
            " scope, key_column, parent_column, distinct_keys",
        {label});
    std::vector<NPlusOne> found;
    for (int row = 0; row < rows.rows(); ++row) {
        NPlusOne each;
        each.scope = rows.text(row, "scope");
        each.kind = rows.text(row, "kind");
        each.confidence = rows.text(row, "confidence");
        each.query = rows.text(row, "query");
        each.key_column = rows.text(row, "key_column");
        each.parent_query = rows.text(row, "parent_query");
        each.parent_relation = rows.text(row, "parent_relation");
        each.parent_column = rows.text(row, "parent_column");
        each.finding_id = rows.text(row, "finding_id");
        each.call_site = rows.text(row, "call_site");
        each.suggestion = rows.text(row, "suggestion");
        each.mapper_advice = rows.text(row, "mapper_advice");
        each.advice = rows.text(row, "advice");
        each.short_query = rows.text(row, "short_query");
        each.short_parent_query = rows.text(row, "short_parent_query");
        each.short_suggestion = rows.text(row, "short_suggestion");
        each.traceparent = rows.text(row, "traceparent");
        each.first_us = rows.integer(row, "first_us");
        each.units = rows.integer(row, "scopes");
        each.unit_calls_min = rows.integer(row, "scope_calls_min");
        each.unit_calls_max = rows.integer(row, "scope_calls_max");
        each.calls = rows.integer(row, "calls");
        each.distinct_keys = rows.integer(row, "distinct_keys");
        each.backends = rows.integer(row, "backends");
        each.exec_ms = rows.number(row, "exec_ms").value_or(0);
        each.wait_ms = rows.number(row, "wait_ms").value_or(0);
        found.push_back(std::move(each));
    }
    return found;
}

std::optional<SuggestionMeasurement> measure_suggestion(Connection &results, const NPlusOne &found) {
    if (found.kind != "n_plus_one")
        return std::nullopt;
    const Result rows = results.execute("SELECT * FROM dbperf.measure_suggestion($1::bigint)", {found.finding_id});
    if (rows.rows() == 0)
        return std::nullopt;
    return SuggestionMeasurement{rows.integer(0, "keys"),
                                 rows.integer(0, "original_blocks"),
                                 rows.integer(0, "suggestion_blocks"),
                                 rows.number(0, "original_ms").value_or(0),
                                 rows.number(0, "suggestion_ms").value_or(0),
                                 rows.number(0, "factor").value_or(0),
                                 rows.boolean(0, "same_rows")};
}

std::vector<StatementFigures> load_named_statements(Connection &results, const std::string &label) {
    // The statement itself is the one of this name that took the most time.
    return read_figures(
        results.execute(fmt::format("SELECT DISTINCT ON (query_name) {} FROM dbperf.statements"
                                    " WHERE {} AND query_name <> '' AND top_level ORDER BY query_name, total_ms DESC",
                                    figures, of_run),
                        {label}));
}

std::vector<BudgetVerdict> load_budget_verdicts(Connection &results, const std::string &label) {
    const Result rows = results.execute(
        "SELECT query, metric, budget, measured, calls, calls_over, verdict, reason FROM dbperf.budget_violations($1)"
        " WHERE calls > 0 ORDER BY query, metric",
        {label});
    std::vector<BudgetVerdict> verdicts;
    for (int row = 0; row < rows.rows(); ++row)
        verdicts.push_back({rows.text(row, "query"), rows.text(row, "metric"), rows.text(row, "verdict"),
                            rows.text(row, "reason"), rows.number(row, "budget"), rows.number(row, "measured"),
                            rows.integer(row, "calls"), rows.integer(row, "calls_over")});
    return verdicts;
}

long long threshold_of_repetition(Connection &results) {
    return results.execute("SELECT current_setting('dbperf.n_plus_one_threshold') AS threshold")
        .integer(0, "threshold");
}

std::vector<StatementCount> load_statement_counts(Connection &results, const std::string &label) {
    const Result rows = results.execute(
        fmt::format("SELECT fingerprint, coalesce(max(query), '') AS query, sum(calls) AS calls, sum(rows) AS rows"
                    " FROM dbperf.statements WHERE {} AND top_level GROUP BY fingerprint",
                    of_run),
        {label});
    std::vector<StatementCount> counts;
    for (int row = 0; row < rows.rows(); ++row)
        counts.push_back({rows.text(row, "fingerprint"), rows.text(row, "query"), rows.integer(row, "calls"),
                          rows.integer(row, "rows")});
    return counts;
}

bool is_run(Connection &results, const std::string &label) {
    return results.execute("SELECT EXISTS (SELECT FROM dbperf.runs WHERE label = $1) AS known", {label})
        .boolean(0, "known");
}

std::vector<std::string> load_known_findings(Connection &results, const std::string &label,
                                             const Yardsticks &yardsticks) {
    const Result rows =
        results.execute("SELECT f FROM dbperf.known_findings($1, nullif($2, '')::float8, nullif($3, '')::jsonb) f",
                        {label, threshold_text(yardsticks), unit_budgets_json(yardsticks.unit_budgets)});
    std::vector<std::string> known;
    for (int row = 0; row < rows.rows(); ++row)
        known.push_back(rows.text(row, 0));
    return known;
}

std::string load_project(Connection &results) {
    return results.execute("SELECT coalesce(pg_catalog.current_setting('dbperf.project', true), '')").text(0, 0);
}

void require_run(Connection &results, const std::string &label) {
    find_run(results, label);
}

RunReport load_run_report(Connection &results, const std::string &label, const Yardsticks &yardsticks) {
    const Result run = find_run(results, label);
    RunReport report;
    report.label = run.text(0, "label");
    report.state = run.text(0, "state");
    report.run_id = run.text(0, "run_id");
    report.started_at = run.text(0, "started_at");
    report.finished_at = run.text(0, "finished_at");
    report.seconds = run.number(0, "seconds").value_or(0);
    const Result totals = results.execute(
        fmt::format(
            "SELECT count(*) AS statements, coalesce(sum(calls), 0) AS calls,"
            " (SELECT count(*) FROM dbperf.plans WHERE {0}) AS plans FROM dbperf.statements WHERE {0} AND top_level",
            of_run),
        {report.label});
    report.statements = totals.integer(0, "statements");
    report.calls = totals.integer(0, "calls");
    report.plans = totals.integer(0, "plans");
    report.n_plus_one = load_n_plus_one(results, report.label);
    report.slow = read_figures(results.execute(
        fmt::format(
            "SELECT {} FROM dbperf.slow_statements WHERE {} AND top_level ORDER BY p95_ms DESC, total_ms DESC LIMIT 20",
            figures, of_run),
        {report.label}));
    if (report.state == "finished") // only then are its figures complete
        report.budgets = load_budget_verdicts(results, report.label);
    report.findings = load_findings(results, report.label, yardsticks);
    report.units = load_units(results, report.run_id, report.findings);
    report.dropped = load_dropped(results, report.label);
    return report;
}

} // namespace dbperf::client::run
