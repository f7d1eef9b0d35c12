// The identity of a plan: what it does, not what it costs. Input is EXPLAIN's JSON of any supported server version.
//
// A node counts by its type, join type, strategy, relation, alias, index, scan direction and its sort, group, merge and
// hash keys with literals left out. Costs, row counts, workers and filters do not count. The members of an Append that
// differ only in the partition they read count once, with the alias the planner derived from the parent.
#pragma once

#include <cstdint>
#include <string_view>

namespace dbperf::plans {

// 0 when the text is not a plan. Nodes below 500 others all look alike. `pause` is called now and then.
uint64_t plan_shape(std::string_view explain_json, void (*pause)() = nullptr);

} // namespace dbperf::plans
