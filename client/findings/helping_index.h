// Owns the answer to "would an index have helped?" for findings about statements: planned, not measured.
#pragma once

#include "findings/judgement.h"
#include "postgres/connection.h"

#include <string>
#include <vector>

namespace dbperf::client::findings {

// Fills `index` of what failed or warned because of a statement's time or because it is executed again and again. Plans
// in the databases that the statements were executed in: where that cannot be, for want of the database, the extension
// or the right, none is named.
void find_helping_indexes(postgres::Connection &results, const postgres::ConnectionTarget &target,
                          const std::string &label, std::vector<Judgement> &judgements);

} // namespace dbperf::client::findings
