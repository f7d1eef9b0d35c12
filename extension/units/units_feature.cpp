// Units are stored when their run is; they stay in shared memory until then.
#include "core/pg.h"

#include "units/units_feature.h"

#include <algorithm>

#include "core/row_builder.h"
#include "statements/live_rows.h"
#include "statements/query_text.h"
#include "units/occurrences.h"
#include "units/unit_table.h"

namespace dbperf::units {
using namespace core;
using namespace dbperf::statements;

namespace {

void install() {
    unit_table::install();
    occurrences::install();
}

void reset() {
    occurrences::reset();
    unit_table::reset();
}

void status(const StatusRows &rows) {
    const unit_table::State state = unit_table::state();
    rows.put("unit_names", state.units, "units of work of runs under way");
    rows.put("max_unit_names", state.most, "dbperf.max_unit_names");
    rows.put("overflowed_units", state.overflowed, "occurrences of units beyond that, counted without their name");
}

const char *name_of(const Unit &unit) {
    return unit.has_name() ? query_text::to_this_encoding(unit.name, strlen(unit.name), unit.encoding) : nullptr;
}

void add_count(RowBuilder *row, const UnitTotals &totals, Measure measure) {
    row->bigint(totals.least[measure]);
    row->bigint(totals.median(measure));
    row->bigint(totals.most[measure]);
}

void add_time(RowBuilder *row, const UnitTotals &totals, Measure measure) {
    row->milliseconds(totals.sum[measure]);
    row->milliseconds(totals.least[measure]);
    row->milliseconds(totals.median(measure));
    row->milliseconds(totals.most[measure]);
}

// The same columns, live and stored.
void add_totals(RowBuilder *row, const Unit &unit) {
    const UnitTotals &totals = unit.totals;
    row->bigint(totals.occurrences);
    row->bigint(totals.sum[statement_count]);
    add_count(row, totals, statement_count);
    add_count(row, totals, distinct_count);
    row->bigint(totals.sum[row_count]);
    add_count(row, totals, row_count);
    add_time(row, totals, exec_time);
    add_time(row, totals, wait_time);
    row->timestamp(unit.first_at);
}

void store_unit(const Unit &unit, const runs::Run &run) {
    RowBuilder row;
    row.project();
    row.uuid(run.uuid);
    row.bigint(unit.key.name);
    row.text(name_of(unit));
    add_totals(&row, unit);
    row.execute(
        "INSERT INTO dbperf.unit (project, run_id, unit_key, unit, occurrences, statements, statements_min, "
        "statements_median, statements_max, distinct_statements_min, distinct_statements_median, "
        "distinct_statements_max, rows, rows_min, rows_median, rows_max, exec_ms, exec_ms_min, exec_ms_median, "
        "exec_ms_max, wait_ms, wait_ms_min, wait_ms_median, wait_ms_max, first_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, "
        "$23, $24, $25) ON CONFLICT DO NOTHING");
}

void store(StoreBatch *batch) {
    if (batch->closing.empty())
        return;
    unit_table::visit(
        [](const unit_table::Handle &, Unit *unit, void *argument) {
            auto *to = static_cast<StoreBatch *>(argument);
            const runs::Run *run = to->find(unit->key.run);
            if (run && to->closes(run->id) && unit->totals.occurrences != 0)
                to->write_for_good([unit, run] { store_unit(*unit, *run); });
        },
        batch);
}

} // namespace

const Feature feature{
    .name = "units",
    .install = install,
    .reset = reset,
    .status = status,
    .close_run = occurrences::close_run,
    .store = store,
    .free_run = unit_table::free_run,
};

} // namespace dbperf::units

using namespace dbperf::core;
using namespace dbperf::statements;
using namespace dbperf::units;

// live_units(): units of runs under way, what is open included; names to roles that set them, and pg_read_all_stats.
DBPERF_FUNCTION(dbperf_live_units) {
    LiveRows rows = open_live_rows(fcinfo);
    unit_table::visit(
        [](const unit_table::Handle &handle, Unit *unit, void *argument) {
            const LiveRows &to = *static_cast<const LiveRows *>(argument);
            occurrences::add_open(handle, &unit->totals);
            if (unit->totals.occurrences == 0)
                return;
            const bool visible = to.sees_all || !unit->has_name() ||
                                 std::any_of(std::begin(unit->roles), std::end(unit->roles),
                                             [&to](Oid role) { return to.may_see(role); });
            RowBuilder row;
            add_run(&row, to, unit->key.run);
            row.bigint(unit->key.name, !visible);
            row.text(visible ? name_of(*unit) : "<insufficient privilege>");
            add_totals(&row, *unit);
            row.put(to.result);
        },
        &rows);
    return Datum{0};
}
