// A statement's plan before and after a change, for tests.
#pragma once

#include <string_view>

namespace dbperf::plans {

struct PlanSample {
    std::string_view name, before, after;
};

} // namespace dbperf::plans
