#include "compare/plan_lines.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace dbperf::client::compare {
namespace {

constexpr int deepest_plan = 200;
constexpr std::size_t max_pairs = 10000000; // of lines that are compared

std::string property_text(const nlohmann::json &node, const char *key) {
    const auto found = node.find(key);
    if (found == node.end())
        return {};
    if (found->is_string())
        return found->get<std::string>();
    if (!found->is_array())
        return found->dump();
    std::string list;
    for (const nlohmann::json &each : *found)
        list += (list.empty() ? "" : ", ") + (each.is_string() ? each.get<std::string>() : each.dump());
    return list;
}

double number_of(const nlohmann::json &node, const char *key) {
    const auto found = node.find(key);
    return found != node.end() && found->is_number() ? found->get<double>() : 0;
}

std::string title_of(const nlohmann::json &node) {
    std::string title = property_text(node, "Node Type");
    const std::string join = property_text(node, "Join Type");
    if (!join.empty() && join != "Inner") {
        const std::size_t at = title.rfind(" Join");
        title = at == std::string::npos ? title + " " + join + " Join" : title.substr(0, at) + " " + join + " Join";
    }
    const std::string index = property_text(node, "Index Name");
    if (!index.empty())
        title += (title.starts_with("Bitmap") ? " on " : " using ") + index;
    std::string relation = property_text(node, "Relation Name");
    for (const char *key : {"CTE Name", "Function Name"})
        if (relation.empty())
            relation = property_text(node, key);
    const std::string alias = property_text(node, "Alias");
    if (!relation.empty())
        title += " on " + relation + (alias.empty() || alias == relation ? "" : " " + alias);
    const std::string subplan = property_text(node, "Subplan Name");
    return subplan.empty() ? title : subplan + ": " + title;
}

double ms_of(const nlohmann::json &node) {
    return number_of(node, "Actual Total Time") * number_of(node, "Actual Loops");
}

double blocks_of(const nlohmann::json &node) {
    return number_of(node, "Shared Hit Blocks") + number_of(node, "Shared Read Blocks");
}

std::string figures_of(const nlohmann::json &node) {
    if (!node.contains("Actual Rows"))
        return {};
    const double loops = number_of(node, "Actual Loops");
    if (loops == 0)
        return "never executed";
    std::string text =
        fmt::format("{:.0f} rows, {:.0f} blocks", number_of(node, "Actual Rows") * loops, blocks_of(node));
    if (node.contains("Actual Total Time"))
        text += fmt::format(", {:.2f} ms", ms_of(node));
    return text;
}

// Of the node without its children.
double alone(const nlohmann::json &node, double (*figure)(const nlohmann::json &)) {
    double value = figure(node);
    if (const auto children = node.find("Plans"); children != node.end() && children->is_array())
        for (const nlohmann::json &child : *children)
            if (child.is_object())
                value -= figure(child);
    return std::max(value, 0.0);
}

void add_node(const nlohmann::json &node, int depth, std::vector<PlanLine> &lines) {
    constexpr std::array<const char *, 9> conditions = {"Index Cond", "Recheck Cond", "Hash Cond",
                                                        "Merge Cond", "Join Filter",  "TID Cond",
                                                        "Filter",     "Sort Key",     "Group Key"};
    if (!node.is_object() || depth > deepest_plan)
        return;
    PlanLine line{depth, title_of(node), figures_of(node), std::nullopt, std::nullopt};
    if (node.contains("Actual Total Time"))
        line.exclusive_ms = alone(node, ms_of);
    if (node.contains("Actual Rows"))
        line.exclusive_blocks = alone(node, blocks_of);
    lines.push_back(std::move(line));
    for (const char *condition : conditions)
        if (const std::string text = property_text(node, condition); !text.empty())
            lines.push_back({depth + 1, fmt::format("{}: {}", condition, text), "", std::nullopt, std::nullopt});
    if (const auto children = node.find("Plans"); children != node.end() && children->is_array())
        for (const nlohmann::json &child : *children)
            add_node(child, depth + 1, lines);
}

// The length of the longest common subsequence of what follows each pair of lines.
std::vector<std::vector<int>> common_lengths(const std::vector<PlanLine> &before, const std::vector<PlanLine> &after) {
    std::vector<std::vector<int>> length(before.size() + 1, std::vector<int>(after.size() + 1, 0));
    if (before.size() * after.size() > max_pairs)
        return length; // no two lines are said to be the same
    for (std::size_t i = before.size(); i-- > 0;)
        for (std::size_t j = after.size(); j-- > 0;)
            length[i][j] = before[i].text == after[j].text ? length[i + 1][j + 1] + 1
                                                           : std::max(length[i + 1][j], length[i][j + 1]);
    return length;
}

} // namespace

std::vector<PlanLine> plan_lines(const std::string &json) {
    std::vector<PlanLine> lines;
    const nlohmann::json parsed = nlohmann::json::parse(json, nullptr, false);
    const nlohmann::json &top = parsed.is_array() && !parsed.empty() ? parsed[0] : parsed;
    if (top.is_object() && top.contains("Plan"))
        add_node(top["Plan"], 0, lines);
    return lines;
}

std::vector<AlignedLine> align_plans(const std::vector<PlanLine> &before, const std::vector<PlanLine> &after) {
    const auto length = common_lengths(before, after);
    std::vector<AlignedLine> aligned;
    std::vector<PlanLine> gone;
    std::vector<PlanLine> come;
    const auto put_changes = [&] {
        for (std::size_t i = 0; i < std::max(gone.size(), come.size()); ++i)
            aligned.push_back({i < gone.size() ? std::optional(gone[i]) : std::nullopt,
                               i < come.size() ? std::optional(come[i]) : std::nullopt, false});
        gone.clear();
        come.clear();
    };
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < before.size() || j < after.size()) {
        if (i < before.size() && j < after.size() && before[i].text == after[j].text) {
            put_changes();
            aligned.push_back({before[i++], after[j++], true});
        } else if (j == after.size() || (i < before.size() && length[i + 1][j] >= length[i][j + 1])) {
            gone.push_back(before[i++]);
        } else {
            come.push_back(after[j++]);
        }
    }
    put_changes();
    return aligned;
}

} // namespace dbperf::client::compare
