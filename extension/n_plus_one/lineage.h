// Which statement returned which value, across all backends: the lineage board and a ring of the executions that it
// refers to. Knows no verdicts.
//
// Locking: none. The board is lossy (see lineage_board.h). A record of the ring is written with its serial
// set last and read with its serial checked before and after; what was overwritten meanwhile is unknown.
#pragma once

#include "core/pg.h"

#include <algorithm>
#include <array>

#include "n_plus_one/lineage_board.h"
#include "n_plus_one/row_capture.h"
#include "n_plus_one/unit_of_work.h"
#include "statements/execution.h"

namespace dbperf::n_plus_one::lineage {

constexpr size_t max_origins = LineageBoard::max_found * lookups::max_lookup_keys;

struct Origins {
    size_t count;
    std::array<LookupOrigin, max_origins> origins;
    std::array<uint64, max_origins> ended; // their producers, ns

    Origins() = default;
    // Only what is set: usually nothing, and there is room for much.
    Origins(const Origins &from) { *this = from; }
    Origins &operator=(const Origins &from) {
        count = from.count;
        std::copy_n(from.origins.begin(), count, origins.begin());
        std::copy_n(from.ended.begin(), count, ended.begin());
        return *this;
    }
};

void install();

// Who returned a key of this execution, in this unit of work or, of the same client without a tag, on another
// connection at about this time (of the monotonic clock, ns).
void look_up(const lookups::LookupValues &values, const unit_of_work::Unit &unit, uint64 now, Origins *origins);

// Whether one of these values may be known: the quick way past look_up.
bool knows(const lookups::LookupValues &values, uint64 group);
bool knows(uint64 value, uint64 group);

// Enters the captured rows of an execution, but for the values it was asked for. `root`: the batch they belong to; 0: a
// new one. Returns the batch.
uint32 publish(const statements::Execution &execution, const PlannedStmt *plan, const unit_of_work::Unit &unit,
               uint32 root, uint64 now);
// Whether values of this batch were looked up since.
bool is_consumed(uint32 root);

} // namespace dbperf::n_plus_one::lineage
