// Registers the launcher and holds the entry points of both background processes.
#pragma once

namespace dbperf::launcher {

void install();

} // namespace dbperf::launcher
