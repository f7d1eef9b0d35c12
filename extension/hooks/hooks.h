// The chain of executor and utility hooks: nesting, error paths, order of calls. Collectors do the rest.
#pragma once

namespace dbperf::hooks {

void install();

// This process is never observed (the recorder).
void exclude_process();

} // namespace dbperf::hooks
