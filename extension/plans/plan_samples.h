// Plans of real servers of several versions, for tests. All were made from the same statements on the same rows.
#pragma once

#include <array>
#include <span>

#include "plans/plan_samples_15.h"
#include "plans/plan_samples_17.h"
#include "plans/plan_samples_18.h"

namespace dbperf::plans::samples {

inline const std::array<std::span<const PlanSample>, 3> all_versions{plans_15, plans_17, plans_18};

inline PlanSample named(std::span<const PlanSample> plans, std::string_view name) {
    for (const PlanSample &sample : plans)
        if (sample.name == name)
            return sample;
    return {};
}

} // namespace dbperf::plans::samples
