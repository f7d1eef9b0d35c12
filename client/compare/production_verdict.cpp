#include "compare/production_verdict.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace dbperf::client::compare {

namespace {

// Costs of two plans of one server with one set of statistics are of one unit. A difference is one when it is so as a
// ratio and as more than two pages read at random.
constexpr double least_ratio = 1.2;
constexpr double least_difference = 10;
constexpr std::size_t deepest = 200;

bool is_much_more(double less, double more) {
    return more >= less * least_ratio && more - less > least_difference;
}

double ratio_of(const SetPlans &set) {
    return set.after.cost / std::max(set.before.cost, 1e-9);
}

struct Access {
    std::string node;
    std::string relation;
    std::string index;

    std::string in_words() const { return index.empty() ? node : fmt::format("{} using {}", node, index); }
    bool operator==(const Access &) const = default;
};

std::string text_of(const nlohmann::json &node, const char *name) {
    const auto found = node.find(name);
    return found != node.end() && found->is_string() ? found->get<std::string>() : "";
}

void collect_indexes(const nlohmann::json &node, std::string &into, std::size_t depth) {
    if (const std::string index = text_of(node, "Index Name"); !index.empty())
        into += (into.empty() ? "" : ", ") + index;
    if (depth < deepest && node.contains("Plans"))
        for (const nlohmann::json &child : node.at("Plans"))
            collect_indexes(child, into, depth + 1);
}

// By alias: how each relation is read. Joins stand under their own kind.
void collect(const nlohmann::json &node, std::map<std::string, Access> &reads, std::multiset<std::string> &others,
             std::size_t depth) {
    const std::string relation = text_of(node, "Relation Name");
    const std::string kind = text_of(node, "Node Type");
    if (!relation.empty()) {
        std::string indexes;
        collect_indexes(node, indexes, depth);
        reads[text_of(node, "Alias")] = {kind, relation, indexes};
        if (kind == "Bitmap Heap Scan")
            return;
    } else {
        others.insert(kind);
    }
    if (depth < deepest && node.contains("Plans"))
        for (const nlohmann::json &child : node.at("Plans"))
            collect(child, reads, others, depth + 1);
}

bool names(const std::string &text, const std::string &word) {
    const auto is_part = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
    for (std::size_t at = text.find(word); !word.empty() && at != std::string::npos; at = text.find(word, at + 1)) {
        const std::size_t end = at + word.size();
        if ((at == 0 || !is_part(text[at - 1])) && (end == text.size() || !is_part(text[end])))
            return true;
    }
    return false;
}

// What a plan reads that the other does not read so: indexes first, since they say most.
std::vector<std::string> changed_names(const nlohmann::json &before, const nlohmann::json &after) {
    std::map<std::string, Access> left, right;
    std::multiset<std::string> ignored;
    collect(before, left, ignored, 0);
    collect(after, right, ignored, 0);
    std::vector<std::string> indexes, tables;
    for (const auto &[alias, access] : right) {
        const auto found = left.find(alias);
        if (found != left.end() && found->second == access)
            continue;
        indexes.push_back(access.index);
        if (found != left.end())
            indexes.push_back(found->second.index);
        tables.push_back(access.relation);
    }
    if (tables.empty())
        for (const auto &[alias, access] : right)
            tables.push_back(access.relation);
    indexes.insert(indexes.end(), tables.begin(), tables.end());
    return indexes;
}

std::optional<std::string> cause_of(const nlohmann::json &before, const nlohmann::json &after,
                                    const std::vector<PossibleCause> &statements) {
    for (const std::string &name : changed_names(before, after))
        for (auto each = statements.rbegin(); each != statements.rend(); ++each)
            if (names(each->sql, name))
                return each->sql;
    for (const std::string &name : changed_names(before, after))
        for (auto each = statements.rbegin(); each != statements.rend(); ++each)
            for (const std::string &table : each->tables)
                if (table == name || table.ends_with("." + name))
                    return each->sql;
    return std::nullopt;
}

nlohmann::json plan_of(const StatePlan &state) {
    const nlohmann::json parsed = nlohmann::json::parse(state.plan, nullptr, false);
    return parsed.is_array() && !parsed.empty() && parsed.front().contains("Plan") ? parsed.front().at("Plan")
                                                                                   : nlohmann::json::object();
}

std::string verdict_of(const StatePlan &before, const StatePlan &after) {
    if (after.plan.empty() && !before.plan.empty())
        return "fails";
    if (is_much_more(before.cost, after.cost))
        return "regressed";
    return is_much_more(after.cost, before.cost) ? "improved" : "unchanged";
}

// The plan right after the migration is another one than before and than later: it is made without statistics, and what
// it is believed to cost is a guess.
bool is_without_statistics(const SetPlans &set, const std::vector<std::string> &lost) {
    return !lost.empty() && set.after.shape != set.before.shape && set.after.shape != set.analyzed.shape;
}

std::string verdict_of_set(const SetPlans &set, const std::vector<std::string> &lost) {
    const std::string verdict = verdict_of(set.before, set.after);
    if (verdict != "fails" && is_without_statistics(set, lost))
        return "regressed";
    // What is cheaper only for lack of statistics is not better.
    if (verdict == "improved" && !lost.empty() && verdict_of(set.before, set.analyzed) != "improved")
        return "unchanged";
    return verdict;
}

std::string sentence(const SetPlans &set, const std::string &verdict, const std::vector<std::string> &lost) {
    if (verdict == "fails")
        return fmt::format("it fails after the migration: {}", set.after.error);
    const std::string difference = plan_difference(plan_of(set.before), plan_of(set.after));
    std::string text = difference.empty() ? "the plan is the same" : difference;
    text += fmt::format("; cost {:.0f} -> {:.0f} (x {:.2f})", set.before.cost, set.after.cost, ratio_of(set));
    if (!set.parameters.empty())
        text += fmt::format(" with {}", set.parameters);
    if (is_without_statistics(set, lost))
        text += fmt::format("; statistics of {} are gone until ANALYZE, then the cost is {:.0f}: put ANALYZE into the "
                            "migration",
                            fmt::join(lost, ", "), set.analyzed.cost);
    return text;
}

} // namespace

std::string plan_difference(const nlohmann::json &before, const nlohmann::json &after) {
    std::map<std::string, Access> left, right;
    std::multiset<std::string> left_others, right_others;
    collect(before, left, left_others, 0);
    collect(after, right, right_others, 0);
    std::string text;
    const auto add = [&text](const std::string &part) { text += (text.empty() ? "" : ", ") + part; };
    for (const auto &[alias, access] : right) {
        const auto found = left.find(alias);
        if (found == left.end())
            add(fmt::format("{} is read by {}", access.relation, access.in_words()));
        else if (found->second != access)
            add(fmt::format("{}: {} became {}", access.relation, found->second.in_words(), access.in_words()));
    }
    for (const auto &[alias, access] : left)
        if (!right.contains(alias))
            add(fmt::format("{} is not read any more", access.relation));
    if (!text.empty())
        return text;
    std::vector<std::string> gone, come;
    std::set_difference(left_others.begin(), left_others.end(), right_others.begin(), right_others.end(),
                        std::back_inserter(gone));
    std::set_difference(right_others.begin(), right_others.end(), left_others.begin(), left_others.end(),
                        std::back_inserter(come));
    if (gone.empty() && come.empty())
        return "";
    return fmt::format("{} became {}", gone.empty() ? "nothing" : fmt::format("{}", fmt::join(gone, ", ")),
                       come.empty() ? "nothing" : fmt::format("{}", fmt::join(come, ", ")));
}

StatePlan state_plan(const std::string &explained) {
    StatePlan state;
    state.plan = explained;
    const nlohmann::json plan = plan_of(state);
    if (plan.empty())
        return {};
    state.cost = plan.value("Total Cost", 0.0);
    state.rows = plan.value("Plan Rows", 0.0);
    return state;
}

ProductionVerdict judge_production(const std::vector<SetPlans> &sets, const std::vector<std::string> &lost,
                                   const std::vector<PossibleCause> &statements) {
    ProductionVerdict judged;
    judged.verdict = judged.analyzed_verdict = "unchanged";
    const auto rank = [](const std::string &verdict) {
        return verdict == "fails" ? 3 : verdict == "regressed" ? 2 : verdict == "improved" ? 1 : 0;
    };
    for (std::size_t i = 0; i < sets.size(); ++i) {
        const std::string verdict = verdict_of_set(sets[i], lost);
        const std::string later = verdict_of(sets[i].before, sets[i].analyzed);
        if (rank(later) > rank(judged.analyzed_verdict))
            judged.analyzed_verdict = later;
        const double own = ratio_of(sets[i]);
        const double shown = ratio_of(sets[judged.set]);
        if (rank(verdict) > rank(judged.verdict) ||
            (rank(verdict) == rank(judged.verdict) && (verdict == "improved" ? own < shown : own > shown))) {
            judged.verdict = verdict;
            judged.set = i;
        }
    }
    if (sets.empty())
        return judged;
    const SetPlans &set = sets[judged.set];
    judged.reason = sentence(set, judged.verdict, lost);
    if (judged.verdict != "unchanged")
        judged.cause = cause_of(plan_of(set.before), plan_of(set.after), statements);
    return judged;
}

} // namespace dbperf::client::compare
