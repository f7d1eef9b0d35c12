// Imported statistics, as those see them who serve all features.
#pragma once

#include "core/feature.h"

namespace dbperf::statistics {

extern const core::Feature feature;

} // namespace dbperf::statistics
