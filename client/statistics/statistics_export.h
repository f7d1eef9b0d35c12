// Reads what a server's planner knows: sizes, statistics of columns, settings. Nothing but catalogs, and the first and
// the last entry of indexes where the role may read them.
#pragma once

#include "postgres/connection.h"

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <string_view>

namespace dbperf::client::statistics {

struct ExportOptions {
    bool redact = false;
};

// In a read-only transaction of one snapshot. `progress` is called with what is being read. Throws an environment error
// for servers that are too old.
nlohmann::ordered_json export_statistics(postgres::Connection &source, const ExportOptions &options,
                                         const std::function<void(std::string_view)> &progress);

} // namespace dbperf::client::statistics
