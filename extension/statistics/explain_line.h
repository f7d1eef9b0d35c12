// EXPLAIN says that a plan was made with imported statistics.
#pragma once

namespace dbperf::statistics::explain_line {

void install();

} // namespace dbperf::statistics::explain_line
