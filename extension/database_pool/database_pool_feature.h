// Test databases, as those see them who serve all features.
#pragma once

#include "core/feature.h"

namespace dbperf::database_pool {

extern const core::Feature feature;

} // namespace dbperf::database_pool
