// dbperf.last_execution(): what the last statement of this session in a run took.
#include "server/pg.h"

#include <array>

#include "observe/last_execution.h"

using namespace dbperf;

// last_execution(): one row, columns as in sql/run.sql; null before the first.
DBPERF_FUNCTION(dbperf_last_execution) {
    TupleDesc descriptor;
    if (get_call_result_type(fcinfo, nullptr, &descriptor) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "return type must be a row type");
    const Observation *last = last_execution::get();
    if (!last)
        PG_RETURN_NULL();
    const Usage &usage = last->usage;
    std::array values{Float8GetDatum(static_cast<double>(last->elapsed) / 1e6),
                      Int64GetDatum(static_cast<int64>(last->rows)),
                      Int64GetDatum(usage.shared_blks_hit + usage.shared_blks_read),
                      Int64GetDatum(usage.temp_blks_read + usage.temp_blks_written),
                      Int64GetDatum(static_cast<int64>(usage.wal_bytes))};
    std::array<bool, values.size()> nulls{};
    PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values.data(), nulls.data())));
}
