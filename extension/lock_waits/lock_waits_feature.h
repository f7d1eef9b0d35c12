// Waits for locks, for those who serve all features.
#pragma once

#include "core/feature.h"

namespace dbperf::lock_waits {

extern const core::Feature feature;

} // namespace dbperf::lock_waits
