// The planner's hooks that give it imported statistics. They are installed in a process when it uses some for the first
// time: without that they cost nothing.
#pragma once

#include "core/pg.h"

namespace dbperf::statistics::planner_hooks {

void install_once();

} // namespace dbperf::statistics::planner_hooks
