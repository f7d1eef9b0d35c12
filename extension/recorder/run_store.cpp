// A run is written when it is first seen, and again when it is closed.
#include "core/pg.h"

#include "recorder/run_store.h"

#include "core/compat.h"
#include "core/row_builder.h"
#include "statements/query_text.h"

namespace dbperf::recorder {
using namespace core;
using namespace statements;

void store_run(const runs::Run &run) {
    RowBuilder row;
    row.project();
    row.uuid(run.uuid);
    row.text(query_text::to_this_encoding(run.label, strlen(run.label), run.encoding));
    row.timestamp(run.started_at);
    row.timestamp(run.closing ? run.finished_at : 0);
    row.integer(compat::server_version);
    row.text(query_text::to_this_encoding(run.attributes, strlen(run.attributes), run.encoding));
    row.text(runs::lost_as_json(run));
    row.execute(
        "INSERT INTO dbperf.run (project, run_id, label, started_at, finished_at, server_version, attributes, "
        "settings, dropped) VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, dbperf.relevant_settings(), $8::jsonb) "
        "ON CONFLICT (project, run_id) DO UPDATE SET finished_at = excluded.finished_at, dropped = excluded.dropped");
}

uint64 last_sequence(uint64 epoch) {
    const Oid types[] = {INT8OID};
    const Datum values[] = {Int64GetDatum(static_cast<int64>(epoch))};
    if (SPI_execute_with_args("SELECT last_sequence FROM dbperf.recorder_progress WHERE epoch = $1", 1,
                              const_cast<Oid *>(types), const_cast<Datum *>(values), nullptr, true,
                              1) != SPI_OK_SELECT ||
        SPI_processed == 0)
        return 0;
    bool is_null;
    const Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
    return is_null ? 0 : static_cast<uint64>(DatumGetInt64(value));
}

void remember_sequence(uint64 epoch, uint64 sequence) {
    RowBuilder row;
    row.bigint(epoch);
    row.bigint(sequence);
    row.execute("INSERT INTO dbperf.recorder_progress (epoch, last_sequence) VALUES ($1, $2) "
                "ON CONFLICT (epoch) DO UPDATE SET last_sequence = excluded.last_sequence");
}

} // namespace dbperf::recorder
