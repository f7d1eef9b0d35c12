#include "compare/production_text.h"

#include "base/json_value.h"
#include "terminal/table.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace dbperf::client::compare {
using namespace base;
using namespace terminal;

namespace {

using Json = nlohmann::ordered_json;

// EXPLAIN's own, as an object and not as a text.
Json plan_json(const StatePlan &state) {
    const Json plan = Json::parse(state.plan, nullptr, false);
    return state.plan.empty() || plan.is_discarded() ? Json() : plan;
}

Json cost_json(const StatePlan &state) {
    return state.plan.empty() ? Json() : Json(state.cost);
}
Json rows_json(const StatePlan &state) {
    return state.plan.empty() ? Json() : Json(state.rows);
}

Json set_json(const SetPlans &set) {
    return {{"parameters", set.parameters},       {"cost_before", cost_json(set.before)},
            {"cost_after", cost_json(set.after)}, {"rows_before", rows_json(set.before)},
            {"rows_after", rows_json(set.after)}, {"plan_before", plan_json(set.before)},
            {"plan_after", plan_json(set.after)}};
}

Json analyzed_json(const StatePlan &state) {
    return {{"cost_after", cost_json(state)}, {"rows_after", rows_json(state)}, {"plan_after", plan_json(state)}};
}

std::string colored(const std::string &verdict, const Style &style) {
    return verdict == "regressed" || verdict == "fails" ? style.bad(verdict)
           : verdict == "improved"                      ? style.good(verdict)
                                                        : verdict;
}

std::string megabytes(double bytes) {
    return bytes < 1e6 ? format_count(bytes / 1e3) + " kB" : format_count(bytes / 1e6) + " MB";
}

std::string statement_line(const Json &each, const Style &style) {
    const std::string lock = each.at("lock").is_string()
                                 ? fmt::format(", {} on {} for {} to {}", each.at("lock").get<std::string>(),
                                               each.at("locked").get<std::string>(), format_ms(each.at("held_ms_low")),
                                               format_ms(each.at("held_ms_high")))
                                 : "";
    return wrapped(
        style, 2,
        one_line(fmt::format("{}:{}: {} to {}, {} read, {} written, {} of WAL{}", each.at("file").get<std::string>(),
                             each.at("line").get<int>(), format_ms(each.at("ms_low")), format_ms(each.at("ms_high")),
                             megabytes(each.at("bytes_read")), megabytes(each.at("bytes_written")),
                             megabytes(each.at("wal_bytes")), lock)));
}

} // namespace

Json production_json(const ProductionQuery &query, bool all_sets) {
    Json json = {
        {"verdict", query.judged.verdict}, {"reason", query.judged.reason}, {"cause", nullable(query.judged.cause)}};
    const SetPlans empty;
    const SetPlans &set = query.sets.empty() ? empty : query.sets[query.judged.set];
    json.update(set_json(set));
    json["analyzed"] = {{"verdict", query.judged.analyzed_verdict}};
    json["analyzed"].update(analyzed_json(set.analyzed));
    if (all_sets) {
        json["sets"] = Json::array();
        for (const SetPlans &each : query.sets) {
            json["sets"].push_back(set_json(each));
            json["sets"].back()["analyzed"] = analyzed_json(each.analyzed);
        }
    }
    return json;
}

std::string render_production(const std::vector<ComparedQuery> &queries, const ProductionOutcome &outcome,
                              const Style &style, bool all) {
    std::string text = "\n" + style.bold("With production's statistics") + "\n";
    Table table;
    table.column("query", Table::Align::left, true).column("verdict").column("cost", Table::Align::right);
    table.column("after ANALYZE", Table::Align::right);
    std::string reasons;
    long long same = 0;
    for (std::size_t i = 0; i < outcome.queries.size() && i < queries.size(); ++i) {
        const ProductionQuery &query = outcome.queries[i];
        if (query.judged.verdict == "unchanged" && !all) {
            ++same;
            continue;
        }
        const SetPlans empty;
        const SetPlans &set = query.sets.empty() ? empty : query.sets[query.judged.set];
        table.row({one_line(queries[i].query), colored(query.judged.verdict, style),
                   format_change(set.before.cost, set.after.cost), format_count(set.analyzed.cost)});
        reasons += paragraph(style, 0, one_line(queries[i].query), one_line(query.judged.reason));
        if (query.judged.cause)
            reasons += paragraph(style, 0, "  cause", one_line(*query.judged.cause));
    }
    if (!table.empty())
        text += table.render(style, 0) + "\n" + reasons;
    if (same > 0)
        text += fmt::format("{} unchanged\n", plural(same, "query", "queries"));
    if (!outcome.statements.empty())
        text += "\n" + style.bold("The migration there, by rates of this machine") + "\n";
    for (const Json &each : outcome.statements)
        text += statement_line(each, style);
    constexpr std::size_t shown = 5;
    for (std::size_t i = 0; i < outcome.missing.size() && (i < shown || all); ++i)
        text += paragraph(style, 0, "not known", one_line(outcome.missing[i]));
    if (outcome.missing.size() > shown && !all)
        text += fmt::format("and {} more not known\n", outcome.missing.size() - shown);
    return text;
}

int count_worse_in_production(const ProductionOutcome &outcome) {
    return static_cast<int>(
        std::count_if(outcome.queries.begin(), outcome.queries.end(), [](const ProductionQuery &each) {
            return each.judged.verdict == "regressed" || each.judged.verdict == "fails";
        }));
}

} // namespace dbperf::client::compare
