// Owns how the effect of a migration looks, as text and as JSON.
#pragma once

#include "migration/migration_effect.h"
#include "terminal/style.h"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace dbperf::client::migration {

// Statements with what they took and wrote, locks, and what hurts in production.
std::string render_migration(const MigrationEffect &effect, const terminal::Style &style, int indent);

nlohmann::ordered_json migration_json(const MigrationEffect &effect);

} // namespace dbperf::client::migration
