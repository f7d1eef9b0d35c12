// Owns which files of a folder are migrations, and their order, in the layouts of the usual tools.
#pragma once

#include <string>
#include <vector>

namespace dbperf::client::migration {

// 001_name.sql (also of dbmate and goose, whose sections are marked in the files), 001_name.up.sql (golang-migrate),
// V1.2__name.sql and R__name.sql (Flyway). By version, as numbers; repeatable ones last; what undoes is skipped. Paths
// are kept. Throws a usage error for a file without a version, and for two with the same.
std::vector<std::string> order_migrations(std::vector<std::string> paths);

} // namespace dbperf::client::migration
