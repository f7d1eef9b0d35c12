#include "findings/known_findings.h"

#include "base/error.h"
#include "base/json_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

namespace dbperf::client::findings {
using namespace base;

namespace {

using Json = nlohmann::ordered_json;

constexpr int version = 1;
constexpr const char *heading = "known findings";
constexpr const char *run_heading = "dbperf run";
constexpr double much = 1.5;
constexpr int deepest_json = 2000;
constexpr std::array<std::string_view, 4> confidences = {"possible", "likely", "proven", "confirmed"};

constexpr const char *remedy = "take it as `dbperf check --write-baseline` or `dbperf baseline export` wrote it";

int rank_of(const std::string &confidence) {
    const auto *found = std::find(confidences.begin(), confidences.end(), confidence);
    return found == confidences.end() ? -1 : static_cast<int>(found - confidences.begin());
}

// Nothing when it is none.
std::optional<KnownFinding> finding_of(const nlohmann::json &object) {
    if (!object.is_object())
        return std::nullopt;
    KnownFinding finding{member_text(object, "kind"), member_text(object, "statement"),  member_text(object, "key"),
                         member_text(object, "edge"), member_text(object, "confidence"), std::nullopt};
    const auto calls = object.find("calls");
    if (calls != object.end() && calls->is_number() && std::isfinite(calls->get<double>()) && calls->get<double>() >= 0)
        finding.calls = calls->get<double>();
    const bool has_calls = calls == object.end() || calls->is_null() || finding.calls;
    const bool has_confidence = finding.confidence.empty() || rank_of(finding.confidence) >= 0;
    if (finding.kind.empty() || finding.key.empty() || !has_calls || !has_confidence)
        return std::nullopt;
    return finding;
}

std::string line_of(const KnownFinding &finding) {
    Json json = {{"kind", finding.kind}, {"statement", finding.statement}, {"edge", finding.edge}};
    if (!finding.confidence.empty())
        json["confidence"] = finding.confidence;
    if (finding.calls && std::floor(*finding.calls) == *finding.calls && *finding.calls < 1e15)
        json["calls"] = static_cast<long long>(*finding.calls);
    else if (finding.calls)
        json["calls"] = *finding.calls;
    json["key"] = finding.key;
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        std::string_view line = text.substr(at, end - at);
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        lines.push_back(line);
        at = end + 1;
    }
    return lines;
}

nlohmann::json parsed(std::string_view text) {
    return nlohmann::json::parse(
        text,
        [](int depth, nlohmann::json::parse_event_t, nlohmann::json &) {
            if (depth > deepest_json)
                throw usage_error("it is nested too deep");
            return true;
        },
        false);
}

void require_version(const nlohmann::json &object, const char *member, const std::string &path) {
    const auto found = object.find(member);
    if (found == object.end() || !found->is_number_integer() || found->get<long long>() < 1)
        throw usage_error(fmt::format("{}: it does not say of which version it is", path), remedy);
    if (found->get<long long>() > version)
        throw usage_error(fmt::format("{}: it is of version {}, this dbperf reads versions up to {}", path,
                                      found->get<long long>(), version),
                          "use the dbperf that wrote it, or write it again");
}

// An exported run holds its findings, too.
KnownFindings findings_of_run(const nlohmann::json &run, const std::string &path) {
    KnownFindings known;
    known.source = path;
    known.is_file = true;
    require_version(run, "schema_version", path);
    const auto list = run.find("findings");
    if (list == run.end() || !list->is_array())
        throw usage_error(fmt::format("{}: this exported run holds no findings", path),
                          "it was exported by an older dbperf: export the run again");
    for (const nlohmann::json &each : *list) {
        std::optional<KnownFinding> finding = finding_of(each);
        if (!finding)
            throw usage_error(fmt::format("{}: one of its findings is damaged", path), remedy);
        known.findings.push_back(std::move(*finding));
    }
    return known;
}

bool is_mark_of_merge(std::string_view line) {
    return line.starts_with("<<<<<<<") || line.starts_with("=======") || line.starts_with(">>>>>>>") ||
           line.starts_with("|||||||");
}

std::string shown_calls(double calls) {
    return fmt::format("{:g}", calls);
}

} // namespace

std::optional<KnownFinding> parse_finding_key(const std::string &json) {
    return json.empty() ? std::nullopt : finding_of(nlohmann::json::parse(json, nullptr, false));
}

std::string known_findings_text(std::vector<KnownFinding> findings, const std::string &project) {
    const auto order = [](const KnownFinding &each) {
        return std::tie(each.kind, each.statement, each.edge, each.key, each.confidence, each.calls);
    };
    std::sort(findings.begin(), findings.end(),
              [&](const KnownFinding &a, const KnownFinding &b) { return order(a) < order(b); });
    Json first = {{"dbperf", heading}, {"version", version}};
    if (!project.empty())
        first["project"] = project;
    std::string text = first.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    for (const KnownFinding &each : findings)
        text += line_of(each);
    return text + Json({{"end", heading}}).dump() + "\n";
}

KnownFindings parse_known_findings(const std::string &text, const std::string &path) {
    const std::vector<std::string_view> lines = lines_of(text);
    for (std::size_t i = 0; i < lines.size(); ++i)
        if (is_mark_of_merge(lines[i]))
            throw usage_error(
                fmt::format("{}:{}: a merge left its marks", path, i + 1),
                "keep the lines of both sides and take out the marks: order and repetition do not matter");
    const nlohmann::json first = lines.empty() ? nlohmann::json() : parsed(lines.front());
    if (!first.is_object() || member_text(first, "dbperf") != heading) {
        const nlohmann::json run = parsed(text);
        if (run.is_object() && member_text(run, "kind") == run_heading)
            return findings_of_run(run, path);
        const bool is_cut_run = text.find(run_heading) != std::string::npos;
        throw usage_error(is_cut_run ? fmt::format("{}: this exported run is cut short or damaged", path)
                                     : fmt::format("{} holds no findings", path),
                          remedy);
    }
    require_version(first, "version", path);
    KnownFindings known;
    known.source = path;
    known.is_file = true;
    known.project = member_text(first, "project");
    bool ended = false;
    for (std::size_t i = 1; i < lines.size(); ++i) {
        if (lines[i].find_first_not_of(" \t") == std::string_view::npos)
            continue;
        const nlohmann::json line = parsed(lines[i]);
        if (line.is_object() && member_text(line, "end") == heading) {
            ended = true;
            continue;
        }
        if (line.is_object() && member_text(line, "dbperf") == heading) // of the other side of a merge
            continue;
        std::optional<KnownFinding> finding = finding_of(line);
        if (!finding)
            throw usage_error(fmt::format("{}:{}: this line is no finding", path, i + 1), remedy);
        known.findings.push_back(std::move(*finding));
    }
    if (!ended)
        throw usage_error(fmt::format("{} is cut short: its last line is missing", path), remedy);
    return known;
}

KnownFinding worse_of(const KnownFinding &first, const KnownFinding &second) {
    KnownFinding most = rank_of(second.confidence) > rank_of(first.confidence) ? second : first;
    if (first.calls && second.calls)
        most.calls = std::max(*first.calls, *second.calls);
    return most;
}

ComparedFinding compare_finding(const std::vector<KnownFinding> &known, const KnownFinding &found) {
    ComparedFinding best;
    const auto rank = [](Comparison comparison) {
        return comparison == Comparison::better  ? 3
               : comparison == Comparison::known ? 2
                                                 : comparison == Comparison::worse;
    };
    for (std::size_t i = 0; i < known.size(); ++i) {
        const KnownFinding &each = known[i];
        if (!each.is_same(found))
            continue;
        ComparedFinding compared{Comparison::known, i, ""};
        const bool counted = each.calls && found.calls;
        const int before = rank_of(each.confidence);
        const int after = rank_of(found.confidence);
        if (counted && *found.calls > *each.calls * much)
            compared.comparison = Comparison::worse;
        else if (counted && *found.calls * much < *each.calls)
            compared.comparison = Comparison::better;
        if (compared.comparison != Comparison::known)
            compared.change = fmt::format("{} -> {}{}", shown_calls(*each.calls), shown_calls(*found.calls),
                                          each.kind == "budget" ? "" : " calls in one unit of work");
        if (after > before && before >= 0) {
            compared.comparison = Comparison::worse;
            compared.change = fmt::format("{} -> {}", each.confidence, found.confidence);
        } else if (after < before && after >= 0 && compared.comparison == Comparison::known) {
            compared.comparison = Comparison::better;
            compared.change = fmt::format("{} -> {}", each.confidence, found.confidence);
        }
        if (best.comparison == Comparison::unknown || rank(compared.comparison) > rank(best.comparison))
            best = compared;
    }
    // Of what was merged from two sides the most generous line counts, and tightening waits until there is one.
    return best;
}

} // namespace dbperf::client::findings
