// The other server's settings for the planner, while this session plans: what costs, how much memory a sort would have.
// What the session set for itself with SET stays.
#pragma once

#include "core/pg.h"

namespace dbperf::statistics::planner_settings {

// Gives what put_back() wants; nothing was changed if it is 0. Does not raise.
int apply();
void put_back(int level);

} // namespace dbperf::statistics::planner_settings
