// Owns how advice looks: for people, for a merge request, for programs, and as a migration.
#pragma once

#include "advise/index_proof.h"
#include "terminal/style.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace dbperf::client::advise {

struct AdviceReport {
    std::string database;
    std::vector<IndexProof> indexes;
    nlohmann::ordered_json statements; // without an index, and why
    nlohmann::ordered_json existing;
};

std::string render_advice(const AdviceReport &report, const terminal::Style &style);
std::string advice_markdown(const AdviceReport &report);
nlohmann::ordered_json advice_json(const AdviceReport &report);

// CREATE INDEX of what is proven or planned, each statement with what it was proved by; "" when there is none.
std::string advice_migration(const AdviceReport &report);

} // namespace dbperf::client::advise
