// Owns what plans with production's statistics say of a query: before a migration, right after it, and once production
// will have analyzed. It sees plans alone: nothing is executed.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <vector>

namespace dbperf::client::compare {

// EXPLAIN's JSON of one state, and the identity of its shape.
struct StatePlan {
    std::string plan;  // "" when it could not be planned
    std::string shape; // "" with it
    std::string error; // why not
    double cost = 0;
    double rows = 0;
};

// One set of parameters.
struct SetPlans {
    std::string parameters; // for people
    StatePlan before;
    StatePlan after;
    StatePlan analyzed;
};

// A statement of the migration, as far as it can be a cause.
struct PossibleCause {
    std::string sql;
    std::vector<std::string> tables; // that it locked or rewrote
};

struct ProductionVerdict {
    std::string verdict; // regressed, improved, unchanged, fails
    std::string reason;
    std::optional<std::string> cause;
    std::string analyzed_verdict;
    std::size_t set = 0; // the one that the verdict is about
};

// `lost`: columns whose statistics the migration removed, as table.column.
ProductionVerdict judge_production(const std::vector<SetPlans> &sets, const std::vector<std::string> &lost,
                                   const std::vector<PossibleCause> &statements);

// "orders: Seq Scan became Index Scan using orders_user", for what is read otherwise; "" if nothing is.
std::string plan_difference(const nlohmann::json &before, const nlohmann::json &after);

// The plan of EXPLAIN (FORMAT JSON), its cost and its rows; nothing if it is no plan.
StatePlan state_plan(const std::string &explained);

} // namespace dbperf::client::compare
