// What a person would say about a change of a plan.
#pragma once

#include <span>
#include <string_view>

#include "plans/plan_diff.h"

namespace dbperf::plans {

// One sentence without a period, in `memory` (200 bytes hold most), cut to fit: "orders: index scan using
// orders_user_id became a sequential scan: 5 -> 1,429 blocks". The trees are those that diff_plans was given. It names
// no times: those are in the nodes.
std::string_view describe(const PlanChange &change, const PlanTree &before, const PlanTree &after,
                          std::span<char> memory);

} // namespace dbperf::plans
