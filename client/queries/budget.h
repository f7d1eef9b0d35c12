// Owns what a budget is and how one is written: "p95" and "20ms". Whether it is kept, the server decides.
#pragma once

#include <string>
#include <string_view>

namespace dbperf::client::queries {

struct Budget {
    std::string metric; // as the dbperf.budgets table spells it: avg_ms, p95_ms, p99_ms, max_ms, rows, blocks, calls
    double limit = 0;   // milliseconds, or a count

    bool operator==(const Budget &) const = default;
};

// Name is avg, p95, p99, max, rows, blocks or calls; where is "file:line" for the error.
Budget parse_budget(std::string_view name, std::string_view limit, const std::string &where);

} // namespace dbperf::client::queries
