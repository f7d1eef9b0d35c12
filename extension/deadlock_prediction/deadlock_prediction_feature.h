// Predicted deadlocks, as those see them who serve all features.
#pragma once

#include "core/feature.h"

namespace dbperf::deadlock_prediction {

extern const core::Feature feature;

} // namespace dbperf::deadlock_prediction
