// Inserts into the dbperf tables. Every row carries project and run first; a row written again is the same row.
#include "core/pg.h"

#include "recorder/write.h"

#include "core/compat.h"
#include "core/settings.h"
#include "plans/plan_capture.h"
#include "schema_changes/ddl_log.h"
#include "statements/arguments.h"
#include "statements/query_text.h"

namespace dbperf::recorder::write {
using namespace core;
using namespace statements;
using namespace n_plus_one;
using namespace plans;
using namespace schema_changes;
using namespace deadlock_prediction;

namespace {

const char *reason_text(PlanReason reason) {
    switch (reason) {
    case PlanReason::new_shape:
        return "new shape";
    case PlanReason::slowest:
        return "slowest";
    case PlanReason::slow:
        return "slow";
    case PlanReason::all:
        return "all";
    }
    return "unknown";
}

Datum histogram_array(const StatementCounters &counters) {
    int used = 0;
    for (const uint32 count : counters.histogram)
        used += count != 0;
    Datum *elements = static_cast<Datum *>(palloc(sizeof(Datum) * 2 * static_cast<Size>(used) + 1));
    int at = 0;
    for (int bucket = 0; bucket < histogram::bucket_count; ++bucket) {
        if (counters.histogram[bucket] == 0)
            continue;
        elements[at++] = Int64GetDatum(bucket);
        elements[at++] = Int64GetDatum(counters.histogram[bucket]);
    }
    return PointerGetDatum(construct_array(elements, at, INT8OID, sizeof(int64), true, TYPALIGN_DOUBLE));
}

// Names that each end with a NUL.
Datum name_array(const char *names, size_t length, int encoding) {
    ArrayBuildState *built = initArrayResult(TEXTOID, CurrentMemoryContext, false);
    for (size_t at = 0; at < length; at += strlen(names + at) + 1)
        built = accumArrayResult(
            built, CStringGetTextDatum(query_text::to_this_encoding(names + at, strlen(names + at), encoding)), false,
            TEXTOID, CurrentMemoryContext);
    return makeArrayResult(built, CurrentMemoryContext);
}

Datum key_hashes(const Finding &finding) {
    Datum *elements = static_cast<Datum *>(palloc(sizeof(Datum) * most_key_hashes));
    for (uint32 i = 0; i < finding.key_count; ++i)
        elements[i] = Int64GetDatum(static_cast<int64>(finding.key_hashes[i]));
    return PointerGetDatum(
        construct_array(elements, static_cast<int>(finding.key_count), INT8OID, sizeof(int64), true, TYPALIGN_DOUBLE));
}

} // namespace

void run(const runs::Run &run) {
    Arguments arguments;
    arguments.project();
    arguments.uuid(run.uuid);
    arguments.text(query_text::to_this_encoding(run.label, strlen(run.label), run.encoding));
    arguments.timestamp(run.started_at);
    arguments.timestamp(run.closing ? run.finished_at : 0);
    arguments.integer(compat::server_version);
    arguments.text(query_text::to_this_encoding(run.attributes, strlen(run.attributes), run.encoding));
    arguments.text(runs::lost_as_json(run));
    arguments.execute(
        "INSERT INTO dbperf.run (project, run_id, label, started_at, finished_at, server_version, attributes, "
        "settings, dropped) VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, dbperf.relevant_settings(), $8::jsonb) "
        "ON CONFLICT (project, run_id) DO UPDATE SET finished_at = excluded.finished_at, dropped = excluded.dropped");
}

void plan(const event_queue::Event &event, const runs::Run *run) {
    if (event.header.length < sizeof(PlanRecord))
        return;
    PlanRecord record;
    memcpy(&record, event.payload, sizeof(record));
    store_query_text(record.fingerprint);
    Arguments arguments;
    arguments.project();
    arguments.run(run);
    arguments.text(database_name(event.header.database));
    arguments.text(role_name(event.header.role));
    arguments.text(query_name(record.name));
    arguments.bigint(record.fingerprint);
    arguments.bigint(record.shape);
    arguments.text(reason_text(record.reason));
    arguments.boolean(record.aborted != 0);
    arguments.boolean(record.top_level != 0);
    arguments.boolean(record.timed != 0);
    arguments.timestamp(event.header.at);
    arguments.milliseconds(record.elapsed);
    arguments.bigint(record.rows);
    arguments.text(query_text::to_this_encoding(event.payload + sizeof(PlanRecord),
                                                event.header.length - sizeof(PlanRecord), event.header.encoding));
    arguments.usage(record.usage);
    arguments.execute("WITH captured AS (INSERT INTO dbperf.plan (project, run_id, database, role, query_name, "
                      "fingerprint, shape, reason, "
                      "aborted, top_level, timed, captured_at, exec_ms, rows, plan, shared_blks_hit, shared_blks_read, "
                      "shared_blks_dirtied, "
                      "shared_blks_written, temp_blks_read, temp_blks_written, wal_bytes) "
                      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15::jsonb, $16, $17, $18, "
                      "$19, $20, $21, $22) "
                      "RETURNING project, run_id, plan_id, plan) "
                      "INSERT INTO dbperf.plan_node SELECT c.project, c.run_id, c.plan_id, n.* "
                      "FROM captured c, dbperf.nodes_of_plan(c.plan) n");
}

void plan_executions(const PlanKey &key, uint64 executions, const runs::Run &run) {
    Arguments arguments;
    arguments.project();
    arguments.uuid(run.uuid);
    arguments.text(database_name(key.database));
    arguments.bigint(key.fingerprint);
    arguments.bigint(key.shape);
    arguments.bigint(executions);
    arguments.execute("UPDATE dbperf.plan SET executions = $6 WHERE project = $1 AND run_id = $2 AND database = $3 AND "
                      "fingerprint = $4 AND shape = $5");
}

void ddl(const event_queue::Event &event, const runs::Run *run) {
    DdlRecord record;
    if (event.header.length < sizeof(record))
        return;
    memcpy(&record, event.payload, sizeof(record));
    const char *tag = event.payload + sizeof(record);
    const char *names = tag + record.tag_length;
    const char *text = names + record.names_length;
    Arguments arguments;
    arguments.project();
    arguments.run(run);
    arguments.text(database_name(event.header.database));
    arguments.add(OIDOID, ObjectIdGetDatum(event.header.database));
    arguments.text(role_name(event.header.role));
    arguments.timestamp(record.happened_at);
    arguments.text(pnstrdup(tag, record.tag_length));
    arguments.text(query_text::to_this_encoding(text, record.text_length, event.header.encoding));
    arguments.boolean(record.is_cut != 0);
    arguments.add(TEXTARRAYOID, name_array(names, record.names_length, event.header.encoding));
    arguments.execute("SELECT dbperf.add_ddl($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
}

void schema(const event_queue::Event &event, const runs::Run *run) {
    if (!run)
        return;
    Arguments arguments;
    arguments.project();
    arguments.run(run);
    arguments.text(database_name(event.header.database));
    arguments.add(OIDOID, ObjectIdGetDatum(event.header.database));
    arguments.timestamp(event.header.at);
    arguments.text(query_text::to_this_encoding(event.payload, event.header.length, event.header.encoding));
    arguments.execute("INSERT INTO dbperf.schema_snapshot (project, run_id, database, database_id, taken_at, schema) "
                      "VALUES ($1, $2, $3, $4, $5, $6::jsonb) ON CONFLICT (project, run_id, database) DO UPDATE SET "
                      "database_id = excluded.database_id, taken_at = excluded.taken_at, schema = excluded.schema");
}

void n_plus_one(const Finding &finding, const runs::Run *run) {
    const auto text = [&finding](const char *value) -> const char * {
        return value[0] ? query_text::of_database(value, finding.key.database) : nullptr;
    };
    store_query_text(finding.key.child);
    if (finding.parent != 0)
        store_query_text(finding.parent);
    Arguments arguments;
    arguments.project();
    arguments.run(run);
    arguments.text(database_name(finding.key.database));
    arguments.text(role_name(finding.key.role));
    arguments.text(query_text::of_database(finding.text.scope, finding.key.database));
    arguments.text(name_of(finding.key.kind));
    arguments.bigint(finding.key.child);
    arguments.bigint(finding.key.parent);
    arguments.text(name_of(finding.confidence));
    arguments.text(text(finding.text.key_column));
    arguments.add(INT8OID, Int64GetDatum(static_cast<int64>(finding.parent)), finding.parent == 0);
    arguments.text(text(finding.text.parent_relation));
    arguments.text(text(finding.text.parent_column));
    arguments.bigint(finding.calls);
    arguments.bigint(finding.distinct_keys);
    arguments.bigint(finding.loops);
    arguments.bigint(finding.loop_sizes.quantile(0));
    arguments.bigint(finding.loop_sizes.quantile(0.5));
    arguments.bigint(finding.largest_loop);
    arguments.integer(static_cast<int>(finding.backend_count));
    arguments.milliseconds(finding.exec_time);
    arguments.milliseconds(finding.wait_time);
    arguments.text(text(finding.text.call_site));
    arguments.text(text(finding.text.application_name));
    arguments.add(INT8ARRAYOID, key_hashes(finding));
    arguments.timestamp(finding.first_at);
    arguments.execute(
        "INSERT INTO dbperf.n_plus_one_finding (project, run_id, database, role, scope, kind, fingerprint, edge, "
        "confidence, key_column, parent_fingerprint, parent_relation, parent_column, calls, distinct_keys, scopes, "
        "scope_calls_min, scope_calls_median, scope_calls_max, backends, exec_ms, wait_ms, call_site, "
        "application_name, key_hashes, first_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, "
        "$23, $24, $25, $26) "
        "ON CONFLICT (project, run_id, database, role, scope, kind, fingerprint, edge) DO UPDATE SET "
        "confidence = excluded.confidence, calls = excluded.calls, distinct_keys = excluded.distinct_keys, "
        "scopes = excluded.scopes, scope_calls_min = excluded.scope_calls_min, "
        "scope_calls_median = excluded.scope_calls_median, scope_calls_max = excluded.scope_calls_max, "
        "backends = excluded.backends, exec_ms = excluded.exec_ms, wait_ms = excluded.wait_ms, "
        "key_hashes = excluded.key_hashes, first_at = excluded.first_at");
}

void forget_findings(TimestampTz before) {
    Arguments arguments;
    arguments.project();
    arguments.run(nullptr);
    arguments.timestamp(before);
    arguments.execute("DELETE FROM dbperf.n_plus_one_finding WHERE project = $1 AND run_id = $2 AND first_at < $3");
}

void lock_cycle(const cycle_description::Description &cycle, const runs::Run &run) {
    for (int i = 0; i < cycle.fingerprint_count; ++i)
        store_query_text(cycle.fingerprints[i]);
    Arguments arguments;
    arguments.project();
    arguments.uuid(run.uuid);
    arguments.text(database_name(cycle.database));
    arguments.bigint(cycle.identity);
    arguments.text(cycle.possible ? "possible" : "proven");
    arguments.integer(cycle.members);
    arguments.text(cycle.text);
    arguments.text(cycle.rows);
    arguments.text(cycle.steps);
    arguments.text(cycle.replay);
    arguments.execute("INSERT INTO dbperf.lock_cycle (project, run_id, database, cycle_id, confidence, members, "
                      "description, rows_in_common, steps, replay) "
                      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9::jsonb, $10::jsonb) ON CONFLICT DO NOTHING");
}

void statement(const StatementKey &key, const StatementCounters &counters, const runs::Run &run) {
    store_query_text(key.fingerprint);
    Arguments arguments;
    arguments.project();
    arguments.uuid(run.uuid);
    arguments.text(database_name(key.database));
    arguments.text(role_name(key.role));
    const char *name = query_name(key.name);
    arguments.text(name ? name : "");
    arguments.bigint(key.fingerprint);
    arguments.boolean(key.top_level != 0);
    arguments.bigint(counters.calls);
    arguments.bigint(counters.rows);
    arguments.bigint(counters.aborted);
    arguments.bigint(counters.over_budget);
    arguments.milliseconds(counters.budget);
    arguments.bigint(counters.plans);
    arguments.milliseconds(counters.planning);
    arguments.milliseconds(counters.elapsed);
    arguments.milliseconds(counters.shortest);
    arguments.milliseconds(counters.longest);
    arguments.usage(counters.usage);
    arguments.add(INT8ARRAYOID, histogram_array(counters));
    arguments.execute(
        "INSERT INTO dbperf.statement (project, run_id, database, role, query_name, fingerprint, top_level, calls, "
        "rows, "
        "aborted, over_budget, budget_ms, plans, planning_ms, total_ms, min_ms, max_ms, shared_blks_hit, "
        "shared_blks_read, "
        "shared_blks_dirtied, shared_blks_written, temp_blks_read, temp_blks_written, wal_bytes, histogram) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, "
        "$23, "
        "$24, $25) ON CONFLICT DO NOTHING");
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
    Arguments arguments;
    arguments.bigint(epoch);
    arguments.bigint(sequence);
    arguments.execute("INSERT INTO dbperf.recorder_progress (epoch, last_sequence) VALUES ($1, $2) "
                      "ON CONFLICT (epoch) DO UPDATE SET last_sequence = excluded.last_sequence");
}

} // namespace dbperf::recorder::write
