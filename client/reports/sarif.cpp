#include "reports/sarif.h"

#include "findings/kinds.h"
#include "terminal/style.h"
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

// GitHub's limits: what code scanning shows of one run, and the lengths of texts that it takes.
constexpr std::size_t max_results = 5000;
constexpr int max_message = 2000;
constexpr int max_rule_text = 1000;

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
    std::string uri;
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

// Code scanning refuses a whole file for one result that is nowhere, or outside of the repository.
bool is_in_repository(const SourceLine &location) {
    return !location.file.empty() && !location.file.starts_with('/') && !location.file.starts_with("..") &&
           location.file.find(":\\") == std::string::npos;
}

std::string message_of(const Judgement &each) {
    std::string text = each.query.empty() ? each.reason : shown_query(each) + ": " + each.reason;
    if (!each.cause.empty())
        text += "; cause: " + each.cause;
    if (!each.suggestion.empty())
        text += "; instead: " + shown_suggestion(each);
    if (!each.advice.empty())
        text += "; " + each.advice;
    if (!each.index.empty())
        text += "; index: " + each.index;
    if (!is_in_repository(each.location) && !shown_place(each).empty())
        text += "; sent from " + shown_place(each);
    return shorten(visible(text), max_message);
}

std::string level_of(const Judgement &each) {
    return each.outcome == Outcome::failed || each.outcome == Outcome::broken ? "error"
           : each.outcome == Outcome::warned                                  ? "warning"
                                                                              : "note";
}

Json result_of(const Judgement &each, std::size_t rule) {
    static const std::string usual_file = "dbperf.toml";
    Json result = {{"ruleId", "dbperf/" + visible_line(each.kind, 200)},
                   {"ruleIndex", rule},
                   {"level", level_of(each)},
                   {"message", {{"text", message_text(message_of(each))}}},
                   {"partialFingerprints", {{"dbperfFinding/v1", fingerprint_of(each)}}}};
    const bool is_known = is_in_repository(each.location);
    const std::string &file = is_known                     ? each.location.file
                              : each.fallback_file.empty() ? usual_file
                                                           : each.fallback_file;
    const int line = is_known && each.location.line > 0 ? each.location.line : 1;
    result["locations"] =
        Json::array({{{"physicalLocation",
                       {{"artifactLocation", {{"uri", uri_of(file)}, {"uriBaseId", "%SRCROOT%"}}},
                        {"region", {{"startLine", line}, {"startColumn", 1}, {"endLine", line}, {"endColumn", 2}}}}}}});
    if (each.outcome == Outcome::known)
        result["baselineState"] = "unchanged";
    Json properties = Json::object();
    for (const auto &[name, value] : {std::pair("callSite", &each.call_site), std::pair("database", &each.database)})
        if (!value->empty())
            properties[name] = shorten(visible(*value), max_rule_text);
    if (!properties.empty())
        result["properties"] = properties;
    return result;
}

// What code scanning shows of a rule; it wants all of these.
Json rule_of(const Judgement &each) {
    const Kind known = kind_of(each.kind);
    const std::string text(known.rule.empty() ? "A finding of dbperf." : known.rule_text);
    const std::string help = text +
                             " What it is, how it is found and what to do about it stands in dbperf's documentation: " +
                             "docs/glossary.md and the page of its kind.";
    return {{"id", "dbperf/" + visible_line(each.kind, 200)},
            {"name", known.rule.empty() ? "Finding" : std::string(known.rule)},
            {"shortDescription", {{"text", std::string(known.rule.empty() ? "Finding" : known.title)}}},
            {"fullDescription", {{"text", text}}},
            {"help", {{"text", help}, {"markdown", help}}},
            {"defaultConfiguration", {{"level", known.may_only_warn ? "error" : "warning"}}},
            {"properties",
             {{"tags", Json::array({"performance", "database"})},
              {"precision", "high"},
              {"problem.severity", known.may_only_warn ? "error" : "warning"}}}};
}

} // namespace

std::string sarif_report(const CheckReport &report) {
    Json rules = Json::array();
    Json results = Json::array();
    std::vector<std::string> kinds;
    for (const Judgement &each : report.judgements) {
        const bool is_result = each.outcome == Outcome::failed || each.outcome == Outcome::broken ||
                               each.outcome == Outcome::warned || each.outcome == Outcome::possible ||
                               each.outcome == Outcome::known;
        if (!is_result || results.size() == max_results)
            continue;
        auto kind = std::find(kinds.begin(), kinds.end(), each.kind);
        if (kind == kinds.end()) {
            rules.push_back(rule_of(each));
            kind = kinds.insert(kinds.end(), each.kind);
        }
        results.push_back(result_of(each, static_cast<std::size_t>(kind - kinds.begin())));
    }
    const Json sarif = {
        {"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
        {"version", "2.1.0"},
        {"runs", Json::array({{{"tool",
                                {{"driver",
                                  {{"name", "dbperf"},
                                   {"version", DBPERF_VERSION},
                                   {"semanticVersion", DBPERF_VERSION},
                                   {"rules", rules}}}}},
                               {"originalUriBaseIds",
                                {{"%SRCROOT%", {{"description", {{"text", "the root of the repository"}}}}}}},
                               {"invocations", Json::array({{{"executionSuccessful", report.command_status == 0}}})},
                               {"columnKind", "utf16CodeUnits"},
                               {"results", results}}})}};
    return sarif.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace dbperf::client::reports
