// Registers the launcher and holds the entry points of both background processes.
#pragma once

namespace dbperf::recorder::launcher {

void install();

} // namespace dbperf::recorder::launcher
