// Makes a database fit to be copied and put back from: a worker of its own connects to it for a moment.
#pragma once

#include "core/pg.h"

namespace dbperf::database_pool::prepare_template {

// Starts the worker for this template of the registry and waits for its end. The registry then has its size and map;
// false when no worker could be started or it failed, and *error has the reason.
bool run(int template_index, ErrorData **error);

} // namespace dbperf::database_pool::prepare_template
