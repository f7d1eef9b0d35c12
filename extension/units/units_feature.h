#pragma once

#include "core/feature.h"

namespace dbperf::units {

extern const core::Feature feature;

} // namespace dbperf::units
