// The chain of executor and utility hooks: nesting, error paths, order of calls. Collectors do the rest.
#pragma once

namespace dbperf::hooks {

void install();

} // namespace dbperf::hooks
