// The queries by which statistics are read, of servers from 13 on. Each gives one object as JSON a row, but where
// another form is named.
#pragma once

#include <string>

namespace dbperf::client::statistics {

// pg_stats shows those of ranges from this version on.
inline constexpr int first_with_ranges = 170000;

std::string planner_settings_query(); // name, value
std::string clear_types_query();      // one array of OIDs
std::string relations_query(int version);
std::string indexes_query(int version);
std::string first_pages_query(const std::string &schema); // schema and name of an index, object of members to add
// Those with values take the array of types whose values may be shown, null for all.
std::string columns_query();                     // from pg_statistic
std::string readable_columns_query(int version); // from pg_stats
std::string extended_statistics_query();
// What is missing.
std::string unreadable_columns_query();
std::string unreadable_ranges_query();
std::string custom_statistics_query();
std::string unreadable_extended_query();

} // namespace dbperf::client::statistics
