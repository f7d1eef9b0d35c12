// N+1 findings, as those see them who serve all features.
#pragma once

#include "core/feature.h"

namespace dbperf::n_plus_one {

extern const core::Feature feature;

} // namespace dbperf::n_plus_one
