// See the header.
#include "core/pg.h"

#include "statements/text_store.h"

#include "n_plus_one/finding_table.h"
#include "statements/query_text.h"
#include "statements/statement_table.h"

namespace dbperf::statements::text_store {
using namespace n_plus_one;

namespace {

bool put_after_compaction(uint64 key, std::string_view text) {
    // Findings may outlive their statement.
    query_text::compact(statement_table::freed(), [](void (*mark)(uint64 key)) {
        statement_table::visit_texts(mark);
        finding_table::visit_texts(mark);
    });
    return query_text::put(key, text);
}

} // namespace

bool put(uint64 key, std::string_view text, bool in_run) {
    if (query_text::put(key, text))
        return true;
    if (query_text::worth_compacting(statement_table::freed()) && put_after_compaction(key, text))
        return true;
    if (in_run && statement_table::evict_outside_runs() && put_after_compaction(key, text))
        return true;
    query_text::count_dropped();
    return false;
}

} // namespace dbperf::statements::text_store
