// Nothing of it is stored: what lasts are the databases.
#include "core/pg.h"

#include "database_pool/database_pool_feature.h"

#include "database_pool/registry.h"

namespace dbperf::database_pool {
using namespace core;

namespace {

void status(const StatusRows &rows) {
    struct Numbers {
        Counts counts;
        uint64 copies;
    };
    const Numbers numbers = locked([] { return Numbers{registry->counts, count_all()}; });
    rows.put("test_databases", numbers.copies, "copies that exist; dbperf.max_test_databases");
    rows.put("test_databases_acquired", numbers.counts.acquired, "since the server started, as all of these");
    rows.put("test_databases_made", numbers.counts.made, "copies");
    rows.put("test_databases_clean", numbers.counts.clean, "resets and releases with nothing to put back");
    rows.put("test_databases_reset", numbers.counts.put_back, "... that put pages back");
    rows.put("test_databases_pages", numbers.counts.pages, "pages put back");
    rows.put("test_databases_kept", numbers.counts.kept, "as failed tests left them; dbperf.max_kept_databases");
    rows.put("test_databases_verified", numbers.counts.verified, "compared with the template: dbperf.verify");
    for (size_t i = 0; i < numbers.counts.replaced.size(); ++i)
        if (numbers.counts.replaced[i] > 0)
            rows.put("test_databases_replaced", numbers.counts.replaced[i],
                     text_of(static_cast<ResetReason>(i)).data());
}

} // namespace

const Feature feature{
    .name = "database_pool",
    .install = install,
    .status = status,
};

} // namespace dbperf::database_pool
