// Owns how it looks what a migration did to queries that ran at the same time, as text and as JSON.
#pragma once

#include "blocking/observed_migration.h"
#include "terminal/style.h"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace dbperf::client::blocking {

// Who was blocked, by which statement and for how long; which queries failed; with `all`, those that nothing happened
// to, too.
std::string render_observed(const ObservedMigration &observed, const terminal::Style &style, bool all);

nlohmann::ordered_json observed_json(const ObservedMigration &observed);

} // namespace dbperf::client::blocking
