// The first and the last entry of indexes: the planner reads them where a comparison reaches the end of a histogram.
#pragma once

#include "postgres/connection.h"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace dbperf::client::statistics {

// Adds "ends" to the columns of the document, and to "missing" what cannot be read. `clear_types`: an array of OIDs of
// the types whose values may be shown; empty: all.
void add_index_ends(postgres::Connection &source, const std::string &clear_types, nlohmann::ordered_json &document);

} // namespace dbperf::client::statistics
