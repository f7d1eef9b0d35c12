#include "compare/production_verdict.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace dbperf::client::compare {
namespace {

std::string node_of(const std::string &node, double cost, const std::string &index = "") {
    nlohmann::json plan = {
        {"Node Type", node}, {"Relation Name", "orders"}, {"Alias", "o"}, {"Total Cost", cost}, {"Plan Rows", 7}};
    if (!index.empty())
        plan["Index Name"] = index;
    return nlohmann::json::array({{{"Plan", plan}}}).dump();
}

SetPlans set_of(const std::string &before, const std::string &after, const std::string &analyzed) {
    SetPlans set;
    for (const auto &[state, plan] :
         {std::pair(&set.before, before), std::pair(&set.after, after), std::pair(&set.analyzed, analyzed)}) {
        *state = state_plan(plan);
        state->shape =
            plan.substr(0, plan.find("Total Cost")) + plan.substr(std::min(plan.find("Index Name"), plan.size()));
        state->shape = nlohmann::json::parse(plan).front()["Plan"]["Node Type"].get<std::string>() +
                       nlohmann::json::parse(plan).front()["Plan"].value("Index Name", "");
    }
    return set;
}

const std::vector<PossibleCause> statements = {{"CREATE INDEX orders_user ON orders (user_id)", {"public.orders"}},
                                               {"COMMENT ON TABLE users IS 'x'", {"public.users"}}};

TEST(ProductionVerdict, AnIndexThatHelps) {
    const std::string fast = node_of("Index Scan", 8, "orders_user");
    const ProductionVerdict judged = judge_production({set_of(node_of("Seq Scan", 1000), fast, fast)}, {}, statements);
    EXPECT_EQ(judged.verdict, "improved");
    EXPECT_EQ(judged.analyzed_verdict, "improved");
    EXPECT_EQ(judged.cause, "CREATE INDEX orders_user ON orders (user_id)");
    EXPECT_NE(judged.reason.find("orders: Seq Scan became Index Scan using orders_user"), std::string::npos);
}

TEST(ProductionVerdict, NobodyIsAveragedAway) {
    const std::string slow = node_of("Seq Scan", 1000);
    const std::string fast = node_of("Index Scan", 8, "orders_user");
    const std::vector<SetPlans> sets = {set_of(slow, fast, fast), set_of(slow, fast, fast), set_of(fast, slow, slow)};
    const ProductionVerdict judged = judge_production(sets, {}, statements);
    EXPECT_EQ(judged.verdict, "regressed");
    EXPECT_EQ(judged.set, 2U);
}

TEST(ProductionVerdict, SmallDifferencesAreNone) {
    EXPECT_EQ(judge_production(
                  {set_of(node_of("Seq Scan", 1000), node_of("Seq Scan", 1100), node_of("Seq Scan", 1100))}, {}, {})
                  .verdict,
              "unchanged");
    EXPECT_EQ(
        judge_production({set_of(node_of("Seq Scan", 8), node_of("Seq Scan", 16), node_of("Seq Scan", 16))}, {}, {})
            .verdict,
        "unchanged");
}

TEST(ProductionVerdict, APlanWithoutStatisticsIsNoImprovement) {
    const std::string usual = node_of("Index Scan", 900, "by_url");
    const ProductionVerdict judged =
        judge_production({set_of(usual, node_of("Index Scan", 40, "by_time"), usual)}, {"orders.url"}, statements);
    EXPECT_EQ(judged.verdict, "regressed");
    EXPECT_EQ(judged.analyzed_verdict, "unchanged");
    EXPECT_NE(judged.reason.find("orders.url are gone until ANALYZE"), std::string::npos);
}

TEST(ProductionVerdict, WhatCannotBePlannedFails) {
    SetPlans set = set_of(node_of("Seq Scan", 10), node_of("Seq Scan", 10), node_of("Seq Scan", 10));
    set.after = {};
    set.after.error = "column is gone";
    const ProductionVerdict judged = judge_production({set}, {}, statements);
    EXPECT_EQ(judged.verdict, "fails");
    EXPECT_NE(judged.reason.find("column is gone"), std::string::npos);
}

TEST(ProductionVerdict, NoPlanIsNoPlan) {
    EXPECT_EQ(state_plan("").plan, "");
    EXPECT_EQ(state_plan("[]").plan, "");
    EXPECT_EQ(state_plan("{\"Plan\": 1}").plan, "");
    EXPECT_EQ(judge_production({}, {}, {}).verdict, "unchanged");
}

} // namespace
} // namespace dbperf::client::compare
