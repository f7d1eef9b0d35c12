// Explained deadlocks, as those see them who serve all features.
#pragma once

#include "core/feature.h"

namespace dbperf::deadlocks {

extern const core::Feature feature;

} // namespace dbperf::deadlocks
