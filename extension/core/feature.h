// What a feature gives to those who serve all of them. The list of features stands in dbperf.cpp; nothing on the way of
// a statement goes through it. A null member: nothing to do.
#pragma once

#include "core/pg.h"

#include <span>

namespace dbperf::core {

struct Feature {
    const char *name;
    // Whether something waits to be stored that is in no queue.
    bool (*has_work)();
    // Calls mark for the hash of every text that is still needed; it must neither raise nor ask the feature.
    void (*visit_texts)(void (*mark)(uint64 key));
};

namespace feature {

// Called once, before anything else of them.
void enlist(std::span<const Feature *const> all);
std::span<const Feature *const> all();

} // namespace feature
} // namespace dbperf::core
