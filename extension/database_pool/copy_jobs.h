// What is to be done next about test databases. Sessions that wait for a copy come first, then what has ended, then
// spares, then drops: each of those is a checkpoint of the whole server, so they wait until nobody acquires any more.
#pragma once

#include "core/pg.h"

namespace dbperf::database_pool::copy_jobs {

enum class Task : uint8_t { none, collect, prepare, copy, recycle, drop_copy, drop_template };

struct Job {
    Task task;
    int index; // of the template (prepare, copy, drop_template) or the copy
};

// With the registry's lock held.
Job next();

} // namespace dbperf::database_pool::copy_jobs
