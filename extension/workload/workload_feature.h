// Parameters that are kept, as those see them who serve all features.
#pragma once

#include "core/feature.h"

namespace dbperf::workload {

extern const core::Feature feature;

} // namespace dbperf::workload
