// Owns what an answer says of the findings of a run: a page of them, and one with all its evidence.
#pragma once

#include "findings/judgement.h"
#include "reports/report_details.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace dbperf::client::mcp {

// What a finding is called by in every answer about the same run: equal ones are numbered.
std::vector<std::string> finding_ids(const findings::CheckReport &report);

bool is_outcome(const std::string &word); // failed, warned, known, possible, not_judged or all

// Findings of an outcome from an offset on.
nlohmann::ordered_json findings_page(const findings::CheckReport &report, const std::string &outcome,
                                     std::size_t offset, std::size_t limit);

// Null when there is none of this id.
nlohmann::ordered_json explained_finding(const findings::CheckReport &report, const reports::ReportDetails &details,
                                         const std::string &id);

} // namespace dbperf::client::mcp
