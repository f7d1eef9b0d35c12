#include "mcp/finding_answers.h"

#include "base/json_value.h"
#include "compare/comparison_text.h"
#include "reports/json.h"
#include "run/run_report_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

namespace dbperf::client::mcp {
using namespace base;
using namespace run;
using namespace compare;
using namespace findings;
using namespace reports;

namespace {

constexpr std::array<std::pair<std::string_view, Outcome>, 5> outcomes = {{{"failed", Outcome::failed},
                                                                           {"warned", Outcome::warned},
                                                                           {"known", Outcome::known},
                                                                           {"possible", Outcome::possible},
                                                                           {"not_judged", Outcome::not_judged}}};

std::string_view word_of(Outcome outcome) {
    for (const auto &[word, value] : outcomes)
        if (value == outcome)
            return word;
    return "";
}

// FNV-1a: short, and the same in every process.
unsigned long long hash_of(std::string_view text) {
    unsigned long long hash = 14695981039346656037ULL;
    for (const char c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    return hash;
}

} // namespace

std::vector<std::string> finding_ids(const CheckReport &report) {
    std::map<std::string, int> seen;
    std::vector<std::string> ids;
    for (const Judgement &each : report.judgements) {
        const std::string edge = each.identity ? each.identity->key + '\n' + each.identity->edge : each.key;
        std::string id =
            fmt::format("{:012x}", hash_of(each.kind + '\n' + each.database + '\n' + edge + '\n' + each.metric) >> 16U);
        const int number = ++seen[id];
        ids.push_back(number == 1 ? id : fmt::format("{}-{}", id, number));
    }
    return ids;
}

bool is_outcome(const std::string &word) {
    return word == "all" ||
           std::any_of(outcomes.begin(), outcomes.end(), [&](const auto &each) { return each.first == word; });
}

nlohmann::ordered_json findings_page(const CheckReport &report, const std::string &outcome, std::size_t offset,
                                     std::size_t limit) {
    const std::vector<std::string> ids = finding_ids(report);
    nlohmann::ordered_json counts = nlohmann::ordered_json::object();
    for (const auto &[word, value] : outcomes)
        counts[std::string(word)] = report.count(value);
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    std::size_t found = 0;
    for (std::size_t i = 0; i < report.judgements.size(); ++i) {
        const Judgement &each = report.judgements[i];
        const std::string_view word = word_of(each.outcome);
        if (word.empty() || (outcome != "all" && outcome != word) || found++ < offset || list.size() >= limit)
            continue;
        list.push_back({{"id", ids[i]},
                        {"outcome", word},
                        {"kind", each.kind},
                        {"query", text_or_null(shown_query(each))},
                        {"reason", each.reason},
                        {"cause", text_or_null(each.cause)},
                        {"call_site", text_or_null(shown_place(each))},
                        {"price_ms", each.price_ms}});
    }
    const std::size_t next = offset + list.size();
    return {{"run", report.run.label},
            {"passed", report.passed() && report.command_status == 0},
            {"counts", std::move(counts)},
            {"outcome", outcome},
            {"offset", offset},
            {"of", found},
            {"next", next < found ? nlohmann::ordered_json(next) : nlohmann::ordered_json()},
            {"findings", std::move(list)}};
}

nlohmann::ordered_json explained_finding(const CheckReport &report, const ReportDetails &details,
                                         const std::string &id) {
    const std::vector<std::string> ids = finding_ids(report);
    const auto place = std::find(ids.begin(), ids.end(), id);
    if (place == ids.end())
        return nullptr;
    const Judgement &each = report.judgements[static_cast<std::size_t>(place - ids.begin())];
    nlohmann::ordered_json answer = {{"run", report.run.label}, {"id", id}, {"outcome", word_of(each.outcome)}};
    answer["finding"] = judgement_json(each);
    nlohmann::ordered_json &evidence = answer["evidence"] = nlohmann::ordered_json::object();
    if (!each.evidence.empty()) {
        for (const NPlusOne &found : report.run.n_plus_one)
            if (found.finding_id == each.evidence)
                evidence["n_plus_one"] = n_plus_one_json(found);
        for (const std::vector<DeadlockStory> *stories : {&details.deadlocks, &details.predicted})
            for (const DeadlockStory &story : *stories)
                if (story.id == each.evidence)
                    evidence["deadlock"] = story_json(story);
    }
    if (each.kind == "regression")
        for (const ComparedQuery &query : report.regressions)
            if (query.query == each.query)
                evidence["regression"] = comparison_json({query})[0];
    for (const QueryLatency &latency : details.latencies)
        if (!each.query.empty() && (latency.name == each.query || latency.query == each.query))
            evidence["latency"] = latency_json(latency);
    return answer;
}

} // namespace dbperf::client::mcp
