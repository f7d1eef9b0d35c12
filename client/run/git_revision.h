// Owns the question which revision of the user's code is running.
#pragma once

#include <string>

namespace dbperf::client::run {

// The commit that CI names (GITHUB_SHA, CI_COMMIT_SHA), else git's of this folder; "" when there is none.
std::string current_commit();

} // namespace dbperf::client::run
