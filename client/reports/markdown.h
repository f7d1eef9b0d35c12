// Owns a check as GitHub's Markdown, for a step summary or a comment.
#pragma once

#include "findings/judgement.h"

#include <string>

namespace dbperf::client::reports {

// At most so many bytes: what does not fit is counted in the last line. 0: no limit.
std::string markdown_report(const findings::CheckReport &report, std::size_t max_bytes = 0);

} // namespace dbperf::client::reports
