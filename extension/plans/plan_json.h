// What the readers of plans in JSON share.
#pragma once

#include <string_view>

#include "core/character.h"
#include "core/slice.h"

namespace dbperf::plans {

// Levels of a plan that are followed.
inline constexpr int deepest_plan = 500;

// Alias of a partition member ("orders_3") without the number the planner gave it.
constexpr std::string_view without_number(std::string_view alias) {
    size_t end = alias.size();
    while (end > 0 && core::is_digit(alias[end - 1]))
        --end;
    return end < alias.size() && end > 1 && alias[end - 1] == '_' ? core::slice(alias, 0, end - 1) : alias;
}

} // namespace dbperf::plans
