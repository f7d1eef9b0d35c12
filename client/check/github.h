// Owns a check as GitHub Actions sees it: annotations, and what of our output must not be taken for one.
#pragma once

#include "findings/judgement.h"

#include <string>

namespace dbperf::client::check {

// The ten worst errors and the ten worst warnings, as GitHub shows no more of a step; a notice counts the rest.
std::string github_annotations(const findings::CheckReport &report);

// Lines between these are no commands to the runner, whatever stands in them.
std::string github_stop_commands(const std::string &token);
std::string github_resume_commands(const std::string &token);

} // namespace dbperf::client::check
