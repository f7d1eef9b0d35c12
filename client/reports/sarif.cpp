#include "reports/sarif.h"

#include "findings/kinds.h"
#include "terminal/visible.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>

namespace dbperf::client::reports {
using namespace terminal;
using namespace findings;

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t max_results = 5000; // code scanning shows no more

// A message may hold links as [text](target) and placeholders as {0}; ours has neither.
std::string message_text(std::string_view text) {
    std::string result;
    const std::string shown = visible(text);
    for (std::size_t i = 0; i < shown.size(); ++i) {
        const char c = shown[i];
        const std::size_t digits_end = shown.find_first_not_of("0123456789", i + 1);
        const bool opens_placeholder =
            c == '{' && digits_end != std::string::npos && digits_end > i + 1 && shown[digits_end] == '}';
        if (c == '\\' || c == '[' || c == ']')
            result += '\\';
        result += opens_placeholder ? "{{" : std::string(1, c);
    }
    return result;
}

std::string uri_of(const std::string &file) {
    std::string uri = file.starts_with('/') ? "file://" : "";
    for (const char c : file) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           std::string_view("-._~/").find(c) != std::string_view::npos;
        uri += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return uri;
}

// FNV-1a, the same on every machine.
std::string fingerprint_of(const Judgement &each) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const std::string *part : {&each.kind, &each.key, &each.metric, &each.database})
        for (const char c : *part + '\0')
            hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return fmt::format("{:016x}", hash);
}

std::string message_of(const Judgement &each) {
    std::string text = each.query.empty() ? each.reason : shown_query(each) + ": " + each.reason;
    if (!each.cause.empty())
        text += "; cause: " + each.cause;
    if (!each.suggestion.empty())
        text += "; instead: " + shown_suggestion(each);
    if (!each.advice.empty())
        text += "; " + each.advice;
    return text;
}

std::string level_of(const Judgement &each) {
    return each.outcome == Outcome::failed || each.outcome == Outcome::broken ? "error" : "warning";
}

Json result_of(const Judgement &each, std::size_t rule) {
    Json result = {{"ruleId", "dbperf/" + visible(each.kind)},
                   {"ruleIndex", rule},
                   {"level", level_of(each)},
                   {"message", {{"text", message_text(message_of(each))}}},
                   {"partialFingerprints", {{"dbperfFinding/v1", fingerprint_of(each)}}}};
    if (!each.location.file.empty()) {
        Json physical = {{"artifactLocation", {{"uri", uri_of(each.location.file)}}}};
        if (each.location.line > 0)
            physical["region"] = {{"startLine", each.location.line}};
        result["locations"] = Json::array({{{"physicalLocation", physical}}});
    }
    return result;
}

} // namespace

std::string sarif_report(const CheckReport &report) {
    Json rules = Json::array();
    Json results = Json::array();
    std::vector<std::string> kinds;
    for (const Judgement &each : report.judgements) {
        const bool is_result =
            each.outcome == Outcome::failed || each.outcome == Outcome::broken || each.outcome == Outcome::warned;
        if (!is_result || results.size() == max_results)
            continue;
        auto kind = std::find(kinds.begin(), kinds.end(), each.kind);
        if (kind == kinds.end()) {
            const Kind known = kind_of(each.kind);
            Json rule = {{"id", "dbperf/" + visible(each.kind)}};
            if (!known.rule.empty()) {
                rule["name"] = std::string(known.rule);
                rule["shortDescription"] = {{"text", std::string(known.rule_text)}};
            }
            rules.push_back(rule);
            kind = kinds.insert(kinds.end(), each.kind);
        }
        results.push_back(result_of(each, static_cast<std::size_t>(kind - kinds.begin())));
    }
    const Json sarif = {
        {"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
        {"version", "2.1.0"},
        {"runs",
         Json::array({{{"tool", {{"driver", {{"name", "dbperf"}, {"version", DBPERF_VERSION}, {"rules", rules}}}}},
                       {"invocations", Json::array({{{"executionSuccessful", report.command_status == 0}}})},
                       {"columnKind", "utf16CodeUnits"},
                       {"results", results}}})}};
    return sarif.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace dbperf::client::reports
