// Captured plans, as those see them who serve all features.
#pragma once

#include "core/feature.h"

namespace dbperf::plans {

extern const core::Feature feature;

} // namespace dbperf::plans
