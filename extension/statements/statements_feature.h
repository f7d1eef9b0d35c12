// Statistics of statements, as those see them who serve all features.
#pragma once

#include "core/feature.h"

namespace dbperf::statements {

extern const core::Feature feature;

} // namespace dbperf::statements
