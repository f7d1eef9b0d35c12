// Owns what a budget of units of work is, and how one is written in a project file. Whether it is kept, the server
// decides.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dbperf::client::queries {

struct UnitBudget {
    std::string pattern; // name of the unit; * stands for any characters, ? for one
    std::string metric;  // as dbperf.set_unit_budget() takes it
    double limit = 0;    // a count, or milliseconds
    int line = 0;        // of the project file, 0: none

    bool operator==(const UnitBudget &) const = default;
};

// where is "file:line" for the error.
UnitBudget parse_unit_budget(std::string_view pattern, std::string_view metric, double limit, const std::string &where);

// As dbperf.unit_budget_violations() takes them; "" without.
std::string unit_budgets_json(const std::vector<UnitBudget> &budgets);

} // namespace dbperf::client::queries
