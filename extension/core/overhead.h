// How long dbperf itself takes after an execution, sampled. Shared, atomic.
#pragma once

#include "core/pg.h"

namespace dbperf::core::overhead {

constexpr uint64 sample_every = 1024;

struct State {
    uint64 samples;
    uint64 median; // ns, within an eighth
};

void install();
[[gnu::noinline, gnu::cold]] void add(uint64 nanoseconds);
State state();
void reset();

} // namespace dbperf::core::overhead
