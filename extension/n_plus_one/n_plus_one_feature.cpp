// Findings grow in shared memory without a record in the queue; the recorder stores those that have changed.
#include "core/pg.h"

#include "n_plus_one/n_plus_one_feature.h"

#include "core/row_builder.h"
#include "core/settings.h"
#include "core/shared_memory.h"
#include "n_plus_one/column_names.h"
#include "n_plus_one/finding_table.h"
#include "n_plus_one/lineage.h"
#include "n_plus_one/named_scopes.h"
#include "n_plus_one/pending_loops.h"
#include "n_plus_one/repetition.h"
#include "n_plus_one/shared_units.h"
#include "statements/live_rows.h"
#include "statements/query_text.h"
#include "statements/stored_text.h"

namespace dbperf::n_plus_one {
using namespace core;
using namespace statements;

namespace {

TimestampTz forgotten = 0; // findings outside runs of before are gone once the batch is committed; 0: none

void install() {
    finding_table::install();
    lineage::install();
    shared_units::install();
    named_scopes::install();
    pending_loops::install();
    column_names::install();
}

void reset() {
    finding_table::reset();
    shared_units::reset();
    pending_loops::reset();
}

void status(const StatusRows &rows) {
    rows.put("dropped_findings", finding_table::dropped(), "beyond dbperf.max_findings");
}

bool has_work() {
    return finding_table::any_dirty() || finding_table::reset_pending();
}

// From calls on: the same columns, live and stored.
void add_growth(RowBuilder *row, const Finding &finding) {
    row->bigint(finding.calls);
    row->bigint(finding.distinct_keys);
    row->bigint(finding.loops);
    row->bigint(finding.loop_sizes.quantile(0));
    row->bigint(finding.loop_sizes.quantile(0.5));
    row->bigint(finding.largest_loop);
    row->integer(static_cast<int>(finding.backend_count));
    row->milliseconds(finding.exec_time);
    row->milliseconds(finding.wait_time);
}

std::span<const uint64> key_hashes(const Finding &finding) {
    return std::span<const uint64>(finding.key_hashes).first(finding.key_count);
}

void store_finding(const Finding &finding, const runs::Run *run) {
    const auto text = [&finding](const char *value) -> const char * {
        return value[0] ? query_text::of_database(value, finding.key.database) : nullptr;
    };
    store_query_text(finding.key.child);
    if (finding.parent != 0)
        store_query_text(finding.parent);
    RowBuilder row;
    row.project();
    row.run(run);
    row.text(database_name(finding.key.database));
    row.text(role_name(finding.key.role));
    row.text(query_text::of_database(finding.text.scope, finding.key.database));
    row.text(name_of(finding.key.kind));
    row.bigint(finding.key.child);
    row.bigint(finding.key.parent);
    row.text(name_of(finding.confidence));
    row.text(text(finding.text.key_column));
    row.bigint(finding.parent, finding.parent == 0);
    row.text(text(finding.text.parent_relation));
    row.text(text(finding.text.parent_column));
    add_growth(&row, finding);
    row.text(text(finding.text.call_site));
    row.text(text(finding.text.application_name));
    row.bigints(key_hashes(finding));
    row.timestamp(finding.first_at);
    row.text(finding.text.traceparent[0] ? finding.text.traceparent : nullptr);
    row.execute(
        "INSERT INTO dbperf.n_plus_one_finding (project, run_id, database, role, scope, kind, fingerprint, edge, "
        "confidence, key_column, parent_fingerprint, parent_relation, parent_column, calls, distinct_keys, scopes, "
        "scope_calls_min, scope_calls_median, scope_calls_max, backends, exec_ms, wait_ms, call_site, "
        "application_name, key_hashes, first_at, traceparent) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, "
        "$23, $24, $25, $26, $27) "
        "ON CONFLICT (project, run_id, database, role, scope, kind, fingerprint, edge) DO UPDATE SET "
        "confidence = excluded.confidence, calls = excluded.calls, distinct_keys = excluded.distinct_keys, "
        "scopes = excluded.scopes, scope_calls_min = excluded.scope_calls_min, "
        "scope_calls_median = excluded.scope_calls_median, scope_calls_max = excluded.scope_calls_max, "
        "backends = excluded.backends, exec_ms = excluded.exec_ms, wait_ms = excluded.wait_ms, "
        "key_hashes = excluded.key_hashes, first_at = excluded.first_at");
}

void forget_findings(TimestampTz before) {
    RowBuilder row;
    row.project();
    row.run(nullptr);
    row.timestamp(before);
    row.execute("DELETE FROM dbperf.n_plus_one_finding WHERE project = $1 AND run_id = $2 AND first_at < $3");
}

// All of them are written anew, under the names that databases and roles have at its end.
void forget_findings(const runs::Run &run) {
    RowBuilder row;
    row.project();
    row.run(&run);
    row.execute("DELETE FROM dbperf.n_plus_one_finding WHERE project = $1 AND run_id = $2");
}

// Those of a run that is younger than the batch wait for the next one. Those of a run that is stored for good are all
// written, whatever was written before.
void store(StoreBatch *batch) {
    forgotten = finding_table::reset_pending() ? finding_table::reset_at() : 0;
    if (forgotten != 0)
        batch->write([] { forget_findings(forgotten); });
    static bool postponed;
    postponed = false;
    finding_table::visit(
        true,
        [](const Finding &finding, void *argument) {
            auto *to = static_cast<StoreBatch *>(argument);
            const runs::Run *run = to->find(finding.key.run);
            if (!run && finding.key.run != runs::no_run)
                postponed = true;
            else if (!to->closes(finding.key.run))
                to->write([&finding, run] { store_finding(finding, run); });
        },
        batch);
    if (postponed)
        finding_table::mark_all_dirty();
    if (batch->closing.empty())
        return;
    for (const uint32 closing : batch->closing)
        if (const runs::Run *run = batch->find(closing))
            batch->write([run] { forget_findings(*run); });
    finding_table::visit(
        false,
        [](const Finding &finding, void *argument) {
            auto *to = static_cast<StoreBatch *>(argument);
            const runs::Run *run = to->find(finding.key.run);
            if (run && to->closes(run->id))
                to->write([&finding, run] { store_finding(finding, run); });
        },
        batch);
}

void stored() {
    if (forgotten != 0)
        finding_table::reset_stored(forgotten);
}

} // namespace

const Feature feature{
    .name = "n_plus_one",
    .install = install,
    .reset = reset,
    .status = status,
    .publish = repetition::report_all,
    .has_work = has_work,
    .store = store,
    .stored = stored,
    .not_stored = finding_table::mark_all_dirty,
    .free_run = finding_table::free_run,
    .visit_texts = finding_table::visit_texts,
};

} // namespace dbperf::n_plus_one

using namespace dbperf::core;
using namespace dbperf::statements;
using namespace dbperf::n_plus_one;

// stats_reset() returns timestamptz: when reset() was last called since the server started, or null.
DBPERF_FUNCTION(dbperf_stats_reset) {
    shared_memory::require_available();
    const TimestampTz at = finding_table::reset_at();
    if (at == 0)
        PG_RETURN_NULL();
    PG_RETURN_TIMESTAMPTZ(at);
}

// live_unit_findings(scope text, since timestamptz): what named units of work of this database amount to, each of the
// last time that it was found in one; of those whose texts the caller may see.
DBPERF_FUNCTION(dbperf_live_unit_findings) {
    struct Wanted {
        LiveRows rows;
        uint64 name; // 0: any
        TimestampTz since;
    } wanted{open_live_rows(fcinfo), 0, PG_ARGISNULL(1) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(1)};
    if (!PG_ARGISNULL(0))
        wanted.name = settings::hash_of_label(text_to_cstring(PG_GETARG_TEXT_PP(0)));
    // Loops under way, too. Those of a named unit are all in shared memory.
    if (wanted.name != 0) {
        shared_units::report_unit(wanted.name);
        named_scopes::finish(wanted.name);
    } else {
        repetition::report_all();
    }
    finding_table::visit(
        false,
        [](const Finding &finding, void *argument) {
            const Wanted &to = *static_cast<const Wanted *>(argument);
            if (finding.unit == 0 || finding.key.database != MyDatabaseId || finding.grown_at < to.since ||
                (to.name != 0 && finding.unit_name != to.name) || !to.rows.may_see(finding.key.role))
                return;
            const auto shown = [](const char *value) -> const char * {
                return value[0] ? query_text::of_database(value, MyDatabaseId) : nullptr;
            };
            RowBuilder row;
            row.text(shown(finding.text.scope));
            row.text(name_of(finding.key.kind));
            row.text(name_of(finding.unit_confidence));
            add_text(&row, to.rows, finding.key.role, finding.key.child);
            row.text(shown(finding.text.key_column));
            add_text(&row, to.rows, finding.key.role, finding.parent);
            row.text(shown(finding.text.parent_relation));
            row.text(shown(finding.text.parent_column));
            row.bigint(finding.unit_calls);
            row.bigint(finding.unit_keys);
            row.text(shown(finding.text.call_site));
            row.bigint(finding.key.child);
            row.timestamp(finding.grown_at);
            row.put(to.rows.result);
        },
        &wanted);
    return Datum{0};
}

// live_n_plus_one(): findings as they stand now, stored or not.
DBPERF_FUNCTION(dbperf_live_n_plus_one) {
    LiveRows rows = open_live_rows(fcinfo);
    repetition::report_all(); // loops under way, too
    finding_table::visit(
        false,
        [](const Finding &finding, void *argument) {
            const LiveRows &to = *static_cast<const LiveRows *>(argument);
            const bool visible = to.may_see(finding.key.role);
            const auto shown = [&finding, visible](const char *value) -> const char * {
                return visible && value[0] ? query_text::of_database(value, finding.key.database) : nullptr;
            };
            RowBuilder row;
            add_run(&row, to, finding.key.run);
            row.oid(finding.key.database);
            row.oid(finding.key.role);
            row.text(visible ? query_text::of_database(finding.text.scope, finding.key.database) : nullptr);
            row.text(name_of(finding.key.kind));
            row.bigint(finding.key.child, !visible);
            row.text(name_of(finding.confidence));
            add_text(&row, to, finding.key.role, finding.key.child);
            row.text(shown(finding.text.key_column));
            row.bigint(finding.key.parent, !visible);
            row.bigint(finding.parent, !visible || finding.parent == 0);
            add_text(&row, to, finding.key.role, finding.parent);
            row.text(shown(finding.text.parent_relation));
            row.text(shown(finding.text.parent_column));
            add_growth(&row, finding);
            row.text(shown(finding.text.call_site));
            row.text(shown(finding.text.application_name));
            row.bigints(key_hashes(finding), !visible);
            row.timestamp(finding.first_at);
            row.text(shown(finding.text.traceparent));
            row.put(to.result);
        },
        &rows);
    return Datum{0};
}
