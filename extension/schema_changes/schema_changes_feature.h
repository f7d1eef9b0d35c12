// DDL and schemas, as those see them who serve all features.
#pragma once

#include "core/feature.h"

namespace dbperf::schema_changes {

extern const core::Feature feature;

} // namespace dbperf::schema_changes
