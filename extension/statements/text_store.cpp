#include "core/pg.h"

#include "statements/text_store.h"

#include "core/feature.h"
#include "statements/query_text.h"
#include "statements/statement_table.h"

namespace dbperf::statements::text_store {
using namespace core;

namespace {

bool put_after_compaction(uint64 key, std::string_view text) {
    // What a feature keeps, as findings, may outlive its statement.
    query_text::compact(statement_table::freed(), [](void (*mark)(uint64 key)) {
        statement_table::visit_texts(mark);
        for (const Feature *each : feature::all())
            if (each->visit_texts)
                each->visit_texts(mark);
    });
    return query_text::put(key, text);
}

} // namespace

bool put(uint64 key, std::string_view text, bool in_run) {
    if (query_text::put(key, text))
        return true;
    if (query_text::worth_compacting(statement_table::freed()) && put_after_compaction(key, text))
        return true;
    // Those that go may be without a text themselves.
    for (int tries = 0; in_run && tries < 20 && statement_table::evict_outside_runs(); ++tries)
        if (put_after_compaction(key, text))
            return true;
    query_text::count_dropped();
    return false;
}

} // namespace dbperf::statements::text_store
