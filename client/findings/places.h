// Owns where each judgement is shown in the repository: the line that sent the statement, the file of the query, the
// migration that was the cause.
#pragma once

#include "findings/judgement.h"
#include "queries/query_file.h"
#include "queries/unit_budget.h"

#include <string>
#include <vector>

namespace dbperf::client::findings {

struct Places {
    std::vector<queries::MonitoredQuery> queries;
    std::string migrations;                          // folder, or ""
    std::string project_file;                        // or ""
    std::string root;                                // of the repository
    std::vector<queries::UnitBudget> unit_budgets{}; // of the project file
};

void find_places(std::vector<Judgement> &judgements, const Places &places);

// The file and line of `text` in which `statement` begins, whatever the white space and the case of both; 0: nowhere.
int line_of_statement(std::string_view text, std::string_view statement);

} // namespace dbperf::client::findings
