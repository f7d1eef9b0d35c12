// What a statement's execution means within its unit of work. The usual one, with a key nobody returned, is counted
// and that is all.
#include "core/pg.h"

#include "n_plus_one/repetition.h"

#include <algorithm>

#include "core/hash.h"
#include "core/settings.h"
#include "n_plus_one/key_origins.h"
#include "n_plus_one/lineage.h"
#include "n_plus_one/loops.h"
#include "n_plus_one/named_scopes.h"
#include "n_plus_one/pending_loops.h"
#include "n_plus_one/shared_units.h"
#include "n_plus_one/unit_of_work.h"
#include "lookups/lookup_values.h"

namespace dbperf::n_plus_one::repetition {
using namespace core;
using namespace lookups;
using namespace statements;

namespace {

using unit_of_work::current;

// Since when this connection has only looked up rows that another one returned, and the end of the last such lookup.
uint64 alone_since = 0;
uint64 last_foreign_end = 0;
uint64 named_scope = 0;  // the name to be left
bool was_tagged = false; // any unit of this session
uint32 scope_ends = 0;   // when it was entered
bool exit_watched = false;

// What paused() looked up for the execution that goes on, known by when it began.
lineage::Origins origins;
uint64 looked_up = 0;

// Executions of a statement that returns one row at most whose row is remembered all the same: that is where a walk
// along a list or up a tree shows.
constexpr uint64 early = 8;

// A pause this long before an execution with the same key makes it a poll or a retry.
constexpr uint64 poll_pause = 25 * 1000000;

void leave_named_scope(uint64 now) {
    if (named_scope == 0)
        return;
    if (named_scopes::leave(named_scope, now))
        shared_units::end(current.group);
    named_scope = 0;
}

// The session's last repetitions must be reported too.
void watch_exit() {
    exit_watched = true;
    before_shmem_exit(
        [](int, Datum) {
            loops::end_all();
            leave_named_scope(execution::clock());
        },
        0);
}

// A client that pauses between a list and the loop over it, or within the loop: what comes first after the pause is a
// key of what was returned before. Only lineage goes on, so a list and then, each after a pause, some of its rows is no
// loop.
void go_on_after_pause(const Execution &execution, const unit_of_work::Unit &before) {
    current.since = before.since;
    lineage::look_up(execution.values, current, execution.began, &origins);
    for (size_t i = 0; i < origins.count; ++i)
        if (!origins.origins[i].is_foreign)
            return;
    current.since = current.serial;
}

void do_again(const loops::Loop &inner, const loops::Early &done, bool writes);

// The next unit of an untagged connection without a pause: both are of one burst.
bool goes_on_with(const unit_of_work::Unit &before, const Execution &execution) {
    const auto untagged = [](UnitKind kind) { return kind == UnitKind::burst || kind == UnitKind::transaction; };
    return untagged(before.kind) && untagged(current.kind) &&
           execution.began <= unit_of_work::last_ended + settings::derived_values.gap;
}

[[gnu::noinline]] void change_unit(const Execution &execution) {
    if (!exit_watched)
        watch_exit();
    if (named_scope != 0 && scope_ends != settings::derived_values.scope_ends) {
        // It was ended, whether or not the same name was set again.
        loops::end_all();
        leave_named_scope(execution.began);
        unit_of_work::leave();
    }
    scope_ends = settings::derived_values.scope_ends;
    const unit_of_work::Unit before = current;
    if (!unit_of_work::enter(execution)) {
        // A test framework wraps requests into a transaction, and clients think between them.
        if (current.kind == UnitKind::transaction && !unit_of_work::may_be_a_test(current) &&
            unit_of_work::last_ended > current.began &&
            execution.began > unit_of_work::last_ended + settings::derived_values.gap) {
            current.is_loose = true;
            loops::loosen_inner(true);
        }
        return;
    }
    // What is left of the one before is reported as of that one.
    const unit_of_work::Unit entered = current;
    const bool goes_on = goes_on_with(before, execution);
    current = before;
    if (unit_of_work::may_be_a_test(current))
        loops::loosen_inner(false);
    loops::end_inner(do_again);
    // What prepared the requests of a test before its first tag is no request.
    if (entered.kind == UnitKind::tagged && !was_tagged)
        loops::forget();
    else if (!goes_on)
        loops::end_all();
    was_tagged = was_tagged || entered.kind == UnitKind::tagged;
    leave_named_scope(execution.began);
    current = entered;
    named_scope = current.named ? current.tag : 0;
    if (goes_on)
        current.since = before.since;
    else if (before.kind == UnitKind::burst &&
             (current.kind == UnitKind::burst || current.kind == UnitKind::transaction))
        go_on_after_pause(execution, before);
}

uint64 insert_count = 0;

// Every row inserted is another.
inline uint64 key_of(const Execution &execution) {
    return unlikely(execution.statement->keys.is_insert) ? mix_bits(execution.values.all + ++insert_count) | 1
                                                         : execution.values.all;
}

uint32 hash_of_all(const Execution &execution, const QueryDesc *query) {
    const PlannedStmt *plan = query->plannedstmt;
    const statement_identity::Occurrence *occurrence =
        statement_identity::of(query->sourceText, plan->stmt_location, plan->stmt_len, false);
    const uint64 literals = occurrence ? occurrence->literals : execution.began;
    const uint64 hash = mix_bits(literals ^ lookup_values::hash_parameters(query->params));
    return static_cast<uint32>(hash >> 32) | 1;
}

bool may_be_redundant(const Execution &execution, const QueryDesc *query, uint64 wait) {
    return query->operation == CMD_SELECT && !execution.statement->keys.locks_rows && wait < poll_pause;
}

std::span<const uint64> values_of(const LookupValues &values) {
    return {values.hashes, static_cast<size_t>(values.count)};
}

// Where the rows that another connection returned are looked up by one that has done nothing else since.
bool is_alone(const lineage::Origins &found, uint64 previous_end) {
    if (last_foreign_end != previous_end)
        alone_since = previous_end;
    for (size_t i = 0; i < found.count; ++i)
        if (found.origins[i].is_foreign && alone_since <= found.ended[i])
            return true;
    return false;
}

void share(LoopSubject subject, uint64 statement, const loops::Early &step, bool *several,
           const char *comment = nullptr) {
    const shared_units::Addition addition{step.key,
                                          step.all_parameters,
                                          step.may_be_redundant,
                                          step.exec,
                                          step.wait,
                                          step.began,
                                          step.ended,
                                          settings::derived_values.gap,
                                          step.origins.origins.data(),
                                          step.origins.count,
                                          values_of(step.values),
                                          current.serial,
                                          current.named,
                                          comment};
    if (subject.unit == UnitKind::burst)
        subject.unit = UnitKind::pool;
    *several = shared_units::observe(current.group, statement, subject, addition).several_backends;
}

// Of an early execution; later ones are of the same line. Valid until the next call.
const char *comment_of(const loops::Loop &loop, const Execution &execution, const QueryDesc *query) {
    static char comment[sizeof(LoopSubject::comment)];
    if (loop.lookup.work.calls > static_cast<uint64>(settings::n_plus_one_threshold))
        return nullptr;
    statement_identity::copy_comment(*execution.statement, query, comment, sizeof(comment));
    return comment;
}

[[gnu::noinline]] void publish(Execution *execution, const QueryDesc *query, uint32 traced_root, bool early_single) {
    const row_capture::Rows &rows = row_capture::rows;
    execution->state.captured = false;
    if (rows.rows == 0 || rows.columns == 0)
        return;
    const bool single = rows.rows == 1 && !rows.has_more;
    const bool goes_on = execution->root != 0 || query->operation != CMD_SELECT || !execution->state.recorded;
    if (single && traced_root == 0 && !goes_on && !early_single)
        return;
    StatementIdentity &statement = *execution->statement;
    uint32 root = execution->root != 0 ? execution->root : traced_root;
    // Rows returned one by one are one batch until one of them is looked up.
    if (root == 0 && single && statement.root_unit == current.serial && !lineage::is_consumed(statement.root))
        root = statement.root;
    execution->root = lineage::publish(*execution, query->plannedstmt, current, root, execution->ended);
    statement.root = execution->root;
    statement.root_unit = current.serial;
}

loops::Early step_of(const Execution &execution, const QueryDesc *query, uint64 wait) {
    const bool redundant = may_be_redundant(execution, query, wait);
    return {key_of(execution),
            redundant ? hash_of_all(execution, query) : 0,
            redundant,
            execution.observed.elapsed,
            wait,
            execution.began,
            execution.ended,
            origins,
            execution.values};
}

void add(loops::Loop &loop, const loops::Early &step) {
    const bool due = loop.lookup.count(step.exec, step.wait);
    if (step.key != 0 && loop.lookup.add_key(step.key) == Novelty::repeated && step.may_be_redundant)
        loop.lookup.add_repeat(step.key, step.all_parameters);
    loops::counted(loop, due || loop.lookup.work.calls >= loop.lookup.next_check);
}

// Which keys vary; only those can have come from somewhere.
void note_keys(loops::Loop &loop, loops::Early *step) {
    if (step->values.count < 2)
        return;
    loop.subject.variation.note(values_of(step->values));
    key_origins::drop_constant_keys(loop.subject.variation, &step->origins);
}

// In a burst of this connection, which others of the same client may take part in.
void add_in_burst(loops::Loop &loop, loops::Early step, uint64 previous_end) {
    bool several = false;
    note_keys(loop, &step);
    const bool foreign = key_origins::all_foreign(step.origins);
    const bool crowded = foreign && !is_alone(step.origins, previous_end);
    for (size_t i = 0; i < step.origins.count; ++i)
        step.origins.origins[i].is_crowded = crowded;
    // Where a key came from may be forgotten: the loop goes on all the same.
    if (step.origins.count > 0 || loop.was_shared) {
        share(loop.subject, loop.lookup.statement, step, &several);
        loop.was_shared = true;
    }
    loop.is_shared = loop.is_shared || several;
    if (foreign && !crowded)
        last_foreign_end = step.ended;
    loops::take_over(loop);
    for (size_t i = 0; i < step.origins.count && !foreign; ++i)
        loop.lookup.trace(step.origins.origins[i]);
    add(loop, step);
}

// What a small transaction did, in the burst that it is of.
void do_again(const loops::Loop &inner, const loops::Early &done, bool writes) {
    loops::Early step = done;
    step.may_be_redundant = false; // one row that each of them reads is none
    add_in_burst(loops::outer_of(inner, writes), step, done.began - std::min(done.began, done.wait));
}

// With a key that somebody returned, or in a unit of work that other connections may share.
[[gnu::noinline]] void observe_traced(Execution *execution, const QueryDesc *query, uint64 previous_end, uint64 wait) {
    if (looked_up != execution->began)
        lineage::look_up(execution->values, current, execution->began, &origins);
    if (origins.count == 0 && execution->values.count == 1 && current.kind == UnitKind::burst &&
        query->operation == CMD_SELECT && !loops::of_repeated(*execution, query, execution->values.all, wait)) {
        if (execution->state.captured)
            publish(execution, query, 0, true);
        return;
    }
    loops::Loop &loop = loops::of(*execution, query);
    loops::Early step = step_of(*execution, query, wait);
    uint32 root = 0;
    if (current.kind == UnitKind::burst) {
        const bool foreign = key_origins::all_foreign(origins);
        add_in_burst(loop, step, previous_end);
        if (foreign && last_foreign_end == execution->ended) {
            if (execution->state.captured)
                publish(execution, query, key_origins::root_of(loop.lookup, origins), true);
            return;
        }
        if (foreign)
            origins.count = 0;
        root = key_origins::root_of(loop.lookup, origins);
    } else {
        if (current.kind == UnitKind::transaction) {
            loops::remember(loop, step);
            key_origins::keep_inside(&step.origins);
            note_keys(loop, &step);
        } else {
            note_keys(loop, &step);
            bool several = false;
            share(loop.subject, loop.lookup.statement, step, &several, comment_of(loop, *execution, query));
            // Here only to separate batches; the verdict is the shared unit's.
            loop.is_shared = true;
        }
        loops::take_over(loop);
        for (size_t i = 0; i < step.origins.count; ++i)
            loop.lookup.trace(step.origins.origins[i]);
        root = key_origins::root_of(loop.lookup, step.origins);
        add(loop, step);
    }
    // Once a walk would have shown, single rows are not remembered any more.
    if (execution->statement->single_row && loop.lookup.work.calls > early && loop.lookup.edge_count == 0)
        execution->statement->uncaptured_unit = current.serial;
    if (execution->state.captured)
        publish(execution, query, root, loop.lookup.work.calls <= early);
}

// A statement without keys may still be redundant, in a unit of work that is one for sure.
[[gnu::noinline]] void observe_keyless(Execution *execution, const QueryDesc *query, uint64 previous_end, uint64 wait) {
    const StatementIdentity &statement = *execution->statement;
    if (!OidIsValid(statement.keys.table)) {
        // It does not end what came before, either.
        if (last_foreign_end == previous_end)
            last_foreign_end = execution->ended;
        if (execution->state.captured)
            publish(execution, query, 0, false);
        return;
    }
    if (current.kind != UnitKind::burst && !statement.keys.is_batch && !execution->values.is_batch &&
        query->operation == CMD_SELECT) {
        origins.count = 0;
        loops::Early step = step_of(*execution, query, wait);
        step.key = loops::key_of(statement);
        loops::Loop &loop = loops::of(*execution, query);
        if (current.kind == UnitKind::tagged) {
            bool several = false;
            loop.is_shared = true;
            share(loop.subject, loop.lookup.statement, step, &several, comment_of(loop, *execution, query));
        } else {
            if (current.kind == UnitKind::transaction)
                loops::remember(loop, step);
            add(loop, step);
        }
    }
    if (execution->state.captured)
        publish(execution, query, 0, false);
}

[[gnu::noinline, gnu::cold]] void remember_untraced(loops::Loop &loop, const Execution &execution,
                                                    const QueryDesc *query, uint64 wait) {
    origins.count = 0;
    loops::remember(loop, step_of(execution, query, wait));
}

[[gnu::noinline]] void observe_repeat(loops::Loop &loop, const Execution &execution, const QueryDesc *query,
                                      uint64 wait) {
    if (!may_be_redundant(execution, query, wait))
        return;
    loop.lookup.add_repeat(execution.values.all, hash_of_all(execution, query));
}

inline void count_untraced(loops::Loop &loop, const Execution &execution, const QueryDesc *query, uint64 wait) {
    const bool due = loop.lookup.count(execution.observed.elapsed, wait);
    if (unlikely(loop.lookup.add_key(execution.values.all) == Novelty::repeated))
        observe_repeat(loop, execution, query, wait);
    loops::counted(loop, due);
}

} // namespace

void observe_usual(Execution *execution, const QueryDesc *query) {
    if (!settings::n_plus_one)
        return;
    if (unlikely(!unit_of_work::burst_goes_on(*execution) || execution->values.count != 1 ||
                 lineage::knows(execution->values.hashes[0], current.group))) {
        observe(execution, query);
        return;
    }
    const uint64 previous_end = unit_of_work::last_ended;
    unit_of_work::last_ended = execution->ended;
    const uint64 wait = execution->began - std::min(execution->began, previous_end);
    if (loops::Loop *loop = loops::of_repeated(*execution, query, execution->values.all, wait); likely(loop))
        count_untraced(*loop, *execution, query, wait);
}

[[gnu::noinline]] void observe(Execution *execution, const QueryDesc *query) {
    if (!settings::n_plus_one)
        return;
    const uint64 previous_end = unit_of_work::last_ended;
    // What was before the unit of work, or the session, was no wait between its calls.
    uint64 waits_since = previous_end != 0 ? previous_end : execution->began;
    if (!unit_of_work::goes_on(*execution)) {
        const auto unit = current.serial;
        change_unit(*execution);
        if (current.serial != unit)
            waits_since = execution->began;
    }
    unit_of_work::last_ended = execution->ended;
    const uint64 wait = execution->began > waits_since ? execution->began - waits_since : 0;
    const LookupValues &values = execution->values;
    if (unlikely(query->operation != CMD_SELECT)) {
        loops::forget_repeats(execution->statement->keys.table);
    } else if (likely(values.count == 1 && !execution->state.captured && current.kind != UnitKind::tagged &&
                      !lineage::knows(values, current.group))) {
        if (current.kind == UnitKind::burst) {
            if (loops::Loop *loop = loops::of_repeated(*execution, query, values.all, wait))
                count_untraced(*loop, *execution, query, wait);
            return;
        }
        loops::Loop &loop = loops::of(*execution, query);
        if (unlikely(loop.is_inner && loop.early_count < loops::max_early))
            remember_untraced(loop, *execution, query, wait);
        count_untraced(loop, *execution, query, wait);
        return;
    }
    if (values.count == 0)
        observe_keyless(execution, query, previous_end, wait);
    else
        observe_traced(execution, query, previous_end, wait);
}

void paused(Execution *execution, const QueryDesc *query) {
    if (!settings::n_plus_one)
        return;
    if (!unit_of_work::goes_on(*execution))
        change_unit(*execution);
    lineage::look_up(execution->values, current, execution->began, &origins);
    looked_up = execution->began;
    uint32 root = 0;
    for (size_t i = 0; i < origins.count; ++i)
        root = std::max(root, origins.origins[i].root);
    publish(execution, query, root, true);
}

void scope_changed() {
    // A scope ends when its name goes, not with the statement after that, which may be long in coming.
    if (named_scope != 0 && settings::derived().scope != named_scope) {
        loops::end_all();
        leave_named_scope(execution::clock());
        unit_of_work::leave();
    }
}

void session_changed() {
    scope_changed();
    unit_of_work::session_changed();
    loops::forget_repeats(InvalidOid);
}

void forget() {
    loops::forget();
    leave_named_scope(execution::clock());
    unit_of_work::leave();
}

void report_all() {
    pending_loops::report_all();
    shared_units::report_all();
}

void savepoint_begins() {
    unit_of_work::saved_in = compat::local_transaction();
}

void transaction_ended(bool commits) {
    if (current.kind != UnitKind::transaction)
        return;
    if (!commits && unit_of_work::may_be_a_test(current))
        loops::loosen_inner(false);
    loops::end_inner(do_again);
}

} // namespace dbperf::n_plus_one::repetition
