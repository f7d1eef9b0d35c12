// A query looks the functions of its triggers up once, and keeps them beside its tables: what is there already is
// called.
#include "core/pg.h"

#include "hooks/foreign_key_checks.h"

#include <algorithm>

#include "core/compat.h"
#include "lookups/foreign_key.h"
#include "core/settings.h"
#include "deadlock_prediction/foreign_key_locks.h"
#include "deadlocks/foreign_key_step.h"

namespace dbperf::hooks::foreign_key_checks {
using namespace core;
using namespace lookups;
using namespace statements;
using namespace deadlocks;
using namespace deadlock_prediction;

namespace {

const int *nesting = nullptr; // of statements at this moment

bool is_due(const ForeignKey &key, Relation child, TupleTableSlot *row) {
    for (int i = 0; i < key.count; ++i)
        if (slot_attisnull(row, key.columns[i].child))
            return false;
    // What has been written over is not checked.
    return table_tuple_satisfies_snapshot(child, row, SnapshotSelf);
}

[[gnu::noinline]] void check_begins(const TriggerData &trigger, Execution *step) {
    TupleTableSlot *row = TRIGGER_FIRED_BY_UPDATE(trigger.tg_event) ? trigger.tg_newslot : trigger.tg_trigslot;
    const ForeignKey *key = foreign_key(trigger.tg_trigger->tgconstraint);
    if (!key || !is_due(*key, trigger.tg_relation, row))
        return;
    if (unlikely(settings::track_locks))
        foreign_keys::check_begins(*key, row);
    if (settings::track_deadlocks)
        foreign_key_step::begin(*key, row, *nesting, step);
}

template <PGFunction check>
Datum observe(PG_FUNCTION_ARGS) {
    Execution step;
    step.state = {};
    check_begins(*reinterpret_cast<const TriggerData *>(fcinfo->context), &step);
    const Datum result = check(fcinfo);
    if (step.state.trailed)
        foreign_key_step::end(&step);
    return result;
}

bool is_check(const Trigger &trigger) {
    return trigger.tgfoid == F_RI_FKEY_CHECK_INS || trigger.tgfoid == F_RI_FKEY_CHECK_UPD;
}

void watch_table(ResultRelInfo *table, MemoryContext memory) {
    const TriggerDesc *triggers = table->ri_TrigDesc;
    for (int i = 0; i < triggers->numtriggers; ++i) {
        const Trigger &trigger = triggers->triggers[i];
        FmgrInfo *known = &table->ri_TrigFunctions[i];
        if (!is_check(trigger) || OidIsValid(known->fn_oid))
            continue;
        fmgr_info_cxt(trigger.tgfoid, known, memory);
        known->fn_addr =
            trigger.tgfoid == F_RI_FKEY_CHECK_INS ? observe<RI_FKey_check_ins> : observe<RI_FKey_check_upd>;
    }
}

void watch_tables(const List *tables, EState *query) {
    const ListCell *cell;
    foreach (cell, tables) {
        auto *table = static_cast<ResultRelInfo *>(lfirst(cell));
        const TriggerDesc *triggers = table->ri_TrigDesc;
        if (!triggers || !(triggers->trig_insert_after_row || triggers->trig_update_after_row) ||
            std::none_of(triggers->triggers, triggers->triggers + triggers->numtriggers, is_check))
            continue;
        watch_table(table, query->es_query_cxt);
        // For triggers of a partition that is not named the server makes another entry.
        if (table->ri_RootResultRelInfo)
            watch_table(ExecGetTriggerResultRel(query, RelationGetRelid(table->ri_RelationDesc), nullptr),
                        query->es_query_cxt);
    }
}

} // namespace

void watch(EState *query, const int *level) {
    nesting = level;
    if (*level == 0)
        forget_many_foreign_keys();
    if ((!settings::track_deadlocks && !settings::track_locks) || (query->es_top_eflags & EXEC_FLAG_SKIP_TRIGGERS) != 0)
        return;
    watch_tables(query->es_opened_result_relations, query);
    watch_tables(query->es_tuple_routing_result_relations, query);
}

} // namespace dbperf::hooks::foreign_key_checks
