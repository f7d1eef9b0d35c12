// Differences between server majors, and nothing else.
#pragma once

#include "core/pg.h"

namespace dbperf::core::compat {

// Basic token codes of the core scanner. gram.y and pl_gram.y list them first so that these numbers never depend on
// the keywords; gram.h itself is not installed from 16 on.
enum ScannerToken : int {
    token_ident = 258,
    token_uident,
    token_fconst,
    token_sconst,
    token_usconst,
    token_bconst,
    token_xconst,
    token_op,
    token_iconst,
    token_param,
    token_typecast,
    token_dot_dot,
    token_colon_equals,
    token_equals_greater,
    token_less_equals,
    token_greater_equals,
    token_not_equals,
};

constexpr int server_version = PG_VERSION_NUM;

// 15 declares the walker without its parameters, later versions with them (behind a macro that casts).
inline void walk_children(PlanState *state, bool (*walker)(PlanState *, void *), void *context) {
#if PG_VERSION_NUM >= 160000
    planstate_tree_walker(state, walker, context);
#else
    planstate_tree_walker(state, reinterpret_cast<bool (*)()>(reinterpret_cast<void *>(walker)), context);
#endif
}

// The same for trees of expressions and queries.
using Walker = bool (*)(Node *, void *);
using Mutator = Node *(*)(Node *, void *);
#if PG_VERSION_NUM >= 160000
inline bool walk_expression(Node *node, Walker walker, void *context) {
    return expression_tree_walker(node, walker, context);
}
inline bool walk_query(Query *query, Walker walker, void *context) {
    return query_tree_walker(query, walker, context, 0);
}
inline bool walk_raw(Node *node, Walker walker, void *context) {
    return raw_expression_tree_walker(node, walker, context);
}
inline Node *mutate_expression(Node *node, Mutator mutator, void *context) {
    return expression_tree_mutator(node, mutator, context);
}
inline Query *mutate_query(Query *query, Mutator mutator, void *context) {
    return query_tree_mutator(query, mutator, context, 0);
}
#else
template <typename Function>
auto without_parameters(Function function) {
    using Result = decltype(function(nullptr, nullptr));
    return reinterpret_cast<Result (*)()>(reinterpret_cast<void *>(function));
}
inline bool walk_expression(Node *node, Walker walker, void *context) {
    return expression_tree_walker(node, without_parameters(walker), context);
}
inline bool walk_query(Query *query, Walker walker, void *context) {
    return query_tree_walker(query, without_parameters(walker), context, 0);
}
inline bool walk_raw(Node *node, Walker walker, void *context) {
    return raw_expression_tree_walker(node, without_parameters(walker), context);
}
inline Node *mutate_expression(Node *node, Mutator mutator, void *context) {
    return expression_tree_mutator(node, without_parameters(mutator), context);
}
inline Query *mutate_query(Query *query, Mutator mutator, void *context) {
    return query_tree_mutator(query, without_parameters(mutator), context, 0);
}
#endif

// What MERGE joins its source by; 17 moved it out of the join tree.
inline const Node *merge_condition([[maybe_unused]] const Query *query) {
#if PG_VERSION_NUM >= 170000
    return query->mergeJoinCondition;
#else
    return nullptr;
#endif
}

// What a Var behind GROUP BY stands for: since 18 it names an entry of the range table that holds the grouped
// expressions.
inline const List *grouped_expressions([[maybe_unused]] const RangeTblEntry *table) {
#if PG_VERSION_NUM >= 180000
    return table->rtekind == RTE_GROUP ? table->groupexprs : nullptr;
#else
    return nullptr;
#endif
}

// What an operator means in the order of an index family; its strategy is btree's.
#if PG_VERSION_NUM >= 180000
using OrderMeaning = OpIndexInterpretation;
inline List *order_meanings(Oid operation) {
    return get_op_index_interpretation(operation);
}
inline int strategy_of(const OrderMeaning *meaning) {
    return static_cast<int>(meaning->cmptype);
}
static_assert(static_cast<int>(COMPARE_LT) == BTLessStrategyNumber &&
              static_cast<int>(COMPARE_LE) == BTLessEqualStrategyNumber &&
              static_cast<int>(COMPARE_EQ) == BTEqualStrategyNumber &&
              static_cast<int>(COMPARE_GE) == BTGreaterEqualStrategyNumber &&
              static_cast<int>(COMPARE_GT) == BTGreaterStrategyNumber);
#else
using OrderMeaning = OpBtreeInterpretation;
inline List *order_meanings(Oid operation) {
    return get_op_btree_interpretation(operation);
}
inline int strategy_of(const OrderMeaning *meaning) {
    return meaning->strategy;
}
#endif

// From 19 on the check of a foreign key is no statement, unless the key is of periods or of a partitioned table.
constexpr bool checks_foreign_keys_itself = PG_VERSION_NUM >= 190000;
inline bool has_period([[maybe_unused]] const FormData_pg_constraint *constraint) {
#if PG_VERSION_NUM >= 180000
    return constraint->conperiod;
#else
    return false;
#endif
}

#if PG_VERSION_NUM >= 190000
using CacheNumber = SysCacheIdentifier;
#else
using CacheNumber = int;
#endif

inline IndexScanDesc begin_index_scan(Relation table, Relation index, Snapshot snapshot, int keys) {
#if PG_VERSION_NUM >= 190000
    return index_beginscan(table, index, snapshot, nullptr, keys, 0, 0);
#elif PG_VERSION_NUM >= 180000
    return index_beginscan(table, index, snapshot, nullptr, keys, 0);
#else
    return index_beginscan(table, index, snapshot, keys, 0);
#endif
}

// Whether a backslash in '...' escapes; never since 19.
inline bool backslash_escapes() {
#if PG_VERSION_NUM >= 190000
    return false;
#else
    return !standard_conforming_strings;
#endif
}
inline void forget_warnings([[maybe_unused]] core_yy_extra_type *scanner) {
#if PG_VERSION_NUM < 190000
    scanner->escape_string_warning = false;
#endif
}

// From which level on messages reach the log: 19 has one for each kind of process.
inline int &log_threshold() {
#if PG_VERSION_NUM >= 190000
    return log_min_messages[MyBackendType];
#else
    return log_min_messages;
#endif
}

// Times and rows of a plan node.
#if PG_VERSION_NUM >= 190000
using NodeTimes = NodeInstrumentation;
inline const Instrumentation &timer_of(const NodeTimes *node) {
    return node->instr;
}
#else
using NodeTimes = Instrumentation;
inline const Instrumentation &timer_of(const NodeTimes *node) {
    return *node;
}
#endif

// Relations that a statement writes, as numbers of its range table.
inline int count_result_relations(const PlannedStmt *plan) {
#if PG_VERSION_NUM >= 190000
    return bms_num_members(plan->resultRelationRelids);
#else
    return list_length(plan->resultRelations);
#endif
}
inline Index first_result_relation(const PlannedStmt *plan) {
#if PG_VERSION_NUM >= 190000
    return static_cast<Index>(bms_next_member(plan->resultRelationRelids, -1));
#else
    return static_cast<Index>(linitial_int(plan->resultRelations));
#endif
}

// CLUSTER; since 19 also REPACK.
#if PG_VERSION_NUM >= 190000
constexpr NodeTag cluster_tag = T_RepackStmt;
inline const RangeVar *clustered_relation(const Node *statement) { // null: all
    const VacuumRelation *relation = reinterpret_cast<const RepackStmt *>(statement)->relation;
    return relation ? relation->relation : nullptr;
}
inline const char *clustering_index(const Node *statement) {
    return reinterpret_cast<const RepackStmt *>(statement)->indexname;
}
#else
constexpr NodeTag cluster_tag = T_ClusterStmt;
inline const RangeVar *clustered_relation(const Node *statement) { // null: all
    return reinterpret_cast<const ClusterStmt *>(statement)->relation;
}
inline const char *clustering_index(const Node *statement) {
    return reinterpret_cast<const ClusterStmt *>(statement)->indexname;
}
#endif

inline XLogRecPtr find_next_record(XLogReaderState *reader, XLogRecPtr from) {
#if PG_VERSION_NUM >= 190000
    char *message = nullptr;
    return XLogFindNextRecord(reader, from, &message);
#else
    return XLogFindNextRecord(reader, from);
#endif
}

inline bool is_in_use(const ReplicationSlot &slot) {
#if PG_VERSION_NUM >= 190000
    return slot.active_proc != INVALID_PROC_NUMBER;
#else
    return slot.active_pid != 0;
#endif
}

// Number of the transaction within this backend's life.
inline uint64 local_transaction() {
#if PG_VERSION_NUM >= 170000
    return MyProc->vxid.lxid;
#else
    return MyProc->lxid;
#endif
}

// Columns that an UPDATE of one of its relations sets, in the order of its subplan's output.
inline const List *updated_columns(const ModifyTableState *state, int relation) {
#if PG_VERSION_NUM >= 180000
    const List *lists = state->mt_updateColnosLists;
#else
    const List *lists = reinterpret_cast<const ModifyTable *>(state->ps.plan)->updateColnosLists;
#endif
    return relation < list_length(lists) ? static_cast<const List *>(list_nth(lists, relation)) : nullptr;
}

inline uint64 local_transaction_of(const PGPROC *process) {
#if PG_VERSION_NUM >= 170000
    return process->vxid.lxid;
#else
    return process->lxid;
#endif
}

inline Latch *latch_of_process(int number) {
    return &ProcGlobal->allProcs[number].procLatch;
}
inline int number_of_process() {
    return static_cast<int>(MyProc - ProcGlobal->allProcs);
}
inline int number_of_process(const PGPROC *process) {
    return static_cast<int>(process - ProcGlobal->allProcs);
}

// Moves whenever this process takes or gives back a lock in the shared table; those on its fast path do not show. 0: it
// has none.
inline uintptr_t held_locks_mark() {
    uintptr_t mark = 0;
    for (const auto &partition : MyProc->myProcLocks) {
#if PG_VERSION_NUM >= 160000
        const dlist_node *newest = partition.head.prev;
        const dlist_node *empty = &partition.head;
#else
        const SHM_QUEUE *newest = partition.prev;
        const SHM_QUEUE *empty = &partition;
#endif
        mark += newest == empty ? 0 : reinterpret_cast<uintptr_t>(newest);
    }
    return mark;
}

// Calls visit(tag, mask of the modes held) for each lock of a process in the shared table, under the lock of its
// partition: visit must not raise.
template <typename Visit>
void visit_held_locks(PGPROC *process, const Visit &visit) {
    for (int i = 0; i < NUM_LOCK_PARTITIONS; ++i) {
        // Only the process itself takes locks for it, so while it sleeps a list that is empty stays so.
#if PG_VERSION_NUM >= 160000
        if (dlist_is_empty(&process->myProcLocks[i]))
            continue;
#else
        if (SHMQueueEmpty(&process->myProcLocks[i]))
            continue;
#endif
        LWLock *lock = LockHashPartitionLockByIndex(i);
        LWLockAcquire(lock, LW_SHARED);
#if PG_VERSION_NUM >= 160000
        const dlist_node *end = &process->myProcLocks[i].head;
        for (const dlist_node *at = end->next; at != end; at = at->next) {
            const auto *held =
                reinterpret_cast<const PROCLOCK *>(reinterpret_cast<const char *>(at) - offsetof(PROCLOCK, procLink));
            visit(held->tag.myLock->tag, held->holdMask);
        }
#else
        SHM_QUEUE *queue = &process->myProcLocks[i];
        const auto after = [queue](const SHM_QUEUE *at) {
            return reinterpret_cast<PROCLOCK *>(SHMQueueNext(queue, at, offsetof(PROCLOCK, procLink)));
        };
        for (const PROCLOCK *held = after(queue); held; held = after(&held->procLink))
            visit(held->tag.myLock->tag, held->holdMask);
#endif
        LWLockRelease(lock);
    }
}

template <typename Visit>
void visit_held_locks(const Visit &visit) {
    visit_held_locks(MyProc, visit);
}

// Calls visit(const PROCLOCK &) for whoever holds or awaits the lock. The lock of its partition is held: visit must not
// raise.
template <typename Visit>
void visit_owners(LOCK *lock, const Visit &visit) {
#if PG_VERSION_NUM >= 160000
    const dlist_node *end = &lock->procLocks.head;
    for (const dlist_node *at = end->next; at != end; at = at->next)
        visit(*reinterpret_cast<const PROCLOCK *>(reinterpret_cast<const char *>(at) - offsetof(PROCLOCK, lockLink)));
#else
    const auto after = [lock](const SHM_QUEUE *at) {
        return reinterpret_cast<PROCLOCK *>(SHMQueueNext(&lock->procLocks, at, offsetof(PROCLOCK, lockLink)));
    };
    for (const PROCLOCK *owner = after(&lock->procLocks); owner; owner = after(&owner->lockLink))
        visit(*owner);
#endif
}

// What another process says of itself in pg_stat_activity, in shared memory; null if that is not known where.
inline const volatile PgBackendStatus *status_of_process(const PGPROC *process) {
    if (!MyBEEntry)
        return nullptr;
#if PG_VERSION_NUM >= 170000
    return MyBEEntry + (number_of_process(process) - MyProcNumber);
#else
    return process->backendId == InvalidBackendId ? nullptr : MyBEEntry + (process->backendId - MyBackendId);
#endif
}

// The same as visit_held_locks() for weak locks on relations of this database, which are on the process's fast path.
template <typename Visit>
void visit_own_weak_locks(const Visit &visit) {
    constexpr int bits = 3;
    constexpr uint64 all = (1 << bits) - 1;
#if PG_VERSION_NUM >= 180000
    for (int group = 0; group < FastPathLockGroupsPerBackend; ++group)
        for (int i = 0; i < FP_LOCK_SLOTS_PER_GROUP; ++i)
            if (const uint64 held = MyProc->fpLockBits[group] >> (bits * i) & all)
                visit(MyProc->fpRelId[group * FP_LOCK_SLOTS_PER_GROUP + i], static_cast<LOCKMASK>(held << 1));
#else
    for (int i = 0; i < FP_LOCK_SLOTS_PER_BACKEND; ++i)
        if (const uint64 held = MyProc->fpLockBits >> (bits * i) & all)
            visit(MyProc->fpRelId[i], static_cast<LOCKMASK>(held << 1));
#endif
}

// The columns that a statement assigns, of one of its relations.
inline const Bitmapset *updated_columns(const PlannedStmt *statement, const RangeTblEntry *relation) {
#if PG_VERSION_NUM >= 160000
    if (relation->perminfoindex == 0)
        return nullptr;
    return static_cast<const RTEPermissionInfo *>(
               list_nth(statement->permInfos, static_cast<int>(relation->perminfoindex) - 1))
        ->updatedCols;
#else
    (void)statement;
    return relation->updatedCols;
#endif
}

// Where a file lies: 16 renamed the type and its members.
#if PG_VERSION_NUM >= 160000
using FileLocator = RelFileLocator;
constexpr auto locator_space = &FileLocator::spcOid;
constexpr auto locator_database = &FileLocator::dbOid;
constexpr auto locator_file = &FileLocator::relNumber;
constexpr auto created_file = &xl_smgr_create::rlocator;
constexpr auto truncated_file = &xl_smgr_truncate::rlocator;
#else
using FileLocator = RelFileNode;
constexpr auto locator_space = &FileLocator::spcNode;
constexpr auto locator_database = &FileLocator::dbNode;
constexpr auto locator_file = &FileLocator::relNode;
constexpr auto created_file = &xl_smgr_create::rnode;
constexpr auto truncated_file = &xl_smgr_truncate::rnode;
#endif

inline FileLocator file_locator(Oid space, Oid database, uint32 file) {
    return {space, database, file};
}
inline Oid database_of(const FileLocator &locator) {
    return locator.*locator_database;
}
inline Oid space_of(const FileLocator &locator) {
    return locator.*locator_space;
}
inline uint32 file_of(const FileLocator &locator) {
    return locator.*locator_file;
}
inline FileLocator locator_of(const xl_smgr_create &record) {
    return record.*created_file;
}
inline FileLocator locator_of(const xl_smgr_truncate &record) {
    return record.*truncated_file;
}
inline FileLocator &locator_of(xl_smgr_truncate *record) {
    return record->*truncated_file;
}

// 18 wants to know how long the forks were.
inline void cut_file(SMgrRelation file, ForkNumber *forks, int count, [[maybe_unused]] BlockNumber *before,
                     BlockNumber *after) {
#if PG_VERSION_NUM >= 180000
    smgrtruncate(file, forks, count, before, after);
#else
    smgrtruncate(file, forks, count, after);
#endif
}

// 17 calls the number that says whose a temporary file is otherwise.
inline SMgrRelation open_file(const FileLocator &locator) {
#if PG_VERSION_NUM >= 170000
    return smgropen(locator, INVALID_PROC_NUMBER);
#else
    return smgropen(locator, InvalidBackendId);
#endif
}

// From 16 on owners of resources know of it.
inline void abort_buffer_io() {
#if PG_VERSION_NUM < 160000
    AbortBufferIO();
#endif
}

inline bool holds_lock(const LOCKTAG &tag) {
#if PG_VERSION_NUM >= 170000
    return LockHeldByMe(&tag, AccessShareLock, true);
#else
    return LockOrStrongerHeldByMe(&tag, AccessShareLock);
#endif
}

// What a check hook keeps beside a setting's value; 16 has its own memory for that.
inline void *allocate_for_setting(size_t size) {
#if PG_VERSION_NUM >= 160000
    return guc_malloc(LOG, size);
#else
    return malloc(size);
#endif
}

// have_createdb_privilege() is public from 16 on, and in late minor releases of 15.
inline bool may_create_databases() {
    HeapTuple role = SearchSysCache1(AUTHOID, ObjectIdGetDatum(GetUserId()));
    if (!HeapTupleIsValid(role))
        return false;
    const bool may = reinterpret_cast<Form_pg_authid>(GETSTRUCT(role))->rolcreatedb;
    ReleaseSysCache(role);
    return may || superuser();
}

// Whether SET ROLE would do.
inline bool may_become(Oid user, Oid role) {
#if PG_VERSION_NUM >= 160000
    return member_can_set_role(user, role);
#else
    return is_member_of_role(user, role);
#endif
}

// Calls visit(config_generic) for each setting of the session, in the order of their names.
template <typename Visit>
void visit_settings(const Visit &visit) {
#if PG_VERSION_NUM >= 160000
    int count;
    config_generic **all = get_guc_variables(&count);
#else
    const int count = GetNumConfigOptions();
    config_generic **all = get_guc_variables();
#endif
    for (int i = 0; i < count; ++i)
        visit(*all[i]);
}

// Without the hooks of other extensions.
inline PlannedStmt *plan(Query *query, const char *text, int options, ParamListInfo parameters) {
#if PG_VERSION_NUM >= 190000
    return standard_planner(query, text, options, parameters, nullptr);
#else
    return standard_planner(query, text, options, parameters);
#endif
}

// Raises when the current user lacks a right that the statement needs.
inline void check_permissions(const PlannedStmt *statement) {
#if PG_VERSION_NUM >= 160000
    ExecCheckPermissions(statement->rtable, statement->permInfos, true);
#else
    ExecCheckRTPerms(statement->rtable, true);
#endif
}

// 16 notes by which outer joins a column may be null, and keeps rights beside the range table.
inline void forget_outer_joins([[maybe_unused]] Var *column) {
#if PG_VERSION_NUM >= 160000
    column->varnullingrels = nullptr;
#endif
}
inline void take_permissions([[maybe_unused]] Query *query, [[maybe_unused]] const ParseState *state) {
#if PG_VERSION_NUM >= 160000
    query->rteperminfos = state->p_rteperminfos;
#endif
}

// What a column of the groups of a query is; null: the entry is no such thing, which 18 invented.
inline Node *group_expression(const RangeTblEntry *entry, AttrNumber column) {
#if PG_VERSION_NUM >= 180000
    if (entry->rtekind == RTE_GROUP && column > 0 && column <= list_length(entry->groupexprs))
        return static_cast<Node *>(list_nth(entry->groupexprs, column - 1));
#else
    (void)entry;
    (void)column;
#endif
    return nullptr;
}

// Whether texts of this collation are in the order of their bytes.
inline bool orders_by_bytes(Oid collation) {
#if PG_VERSION_NUM >= 180000
    return OidIsValid(collation) && pg_newlocale_from_collation(collation)->collate_is_c;
#else
    return OidIsValid(collation) && lc_collate_is_c(collation);
#endif
}

// A type by its name, as regtype reads it. Raises.
inline Oid type_named(const char *name) {
    Oid type;
    int32 modifier;
#if PG_VERSION_NUM >= 160000
    (void)parseTypeString(name, &type, &modifier, nullptr);
#else
    parseTypeString(name, &type, &modifier, false);
#endif
    return type;
}

// The server's hook that shows what the planner knows of a relation: visit(root, relation, whether it is the parent of
// an inheritance tree, what is known). From 19 on it is called for every entry of a range table.
template <void (*visit)(PlannerInfo *, Oid, bool, RelOptInfo *)>
struct PlannedRelationHook {
#if PG_VERSION_NUM >= 190000
    static inline build_simple_rel_hook_type next = nullptr;
    static void called(PlannerInfo *root, RelOptInfo *planned, RangeTblEntry *entry) {
        if (next)
            next(root, planned, entry);
        if (entry->rtekind == RTE_RELATION)
            visit(root, entry->relid, entry->inh, planned);
    }
    static void install() {
        next = build_simple_rel_hook;
        build_simple_rel_hook = called;
    }
#else
    static inline get_relation_info_hook_type next = nullptr;
    static void called(PlannerInfo *root, Oid relation, bool is_parent, RelOptInfo *planned) {
        if (next)
            next(root, relation, is_parent, planned);
        visit(root, relation, is_parent, planned);
    }
    static void install() {
        next = get_relation_info_hook;
        get_relation_info_hook = called;
    }
#endif
};

// By whose rights a relation of the range table is read.
inline Oid reader_of(const PlannerInfo *root, int number) {
#if PG_VERSION_NUM >= 160000
    const RelOptInfo *planned = root->simple_rel_array[number];
    const Oid user = planned ? planned->userid : InvalidOid;
#else
    const Oid user = root->simple_rte_array[number]->checkAsUser;
#endif
    return OidIsValid(user) ? user : GetUserId();
}

// How an index costs what it is used for; before 17 the planner knows no parameters of it.
using IndexCost = void (*)(PlannerInfo *, IndexPath *, double, Cost *, Cost *, Selectivity *, double *, double *);
inline void set_index_cost(IndexOptInfo *index, IndexCost cost) {
    index->amcostestimate = reinterpret_cast<decltype(index->amcostestimate)>(reinterpret_cast<void *>(cost));
}

// Whether rows of a page that nobody counted are guessed with the fill factor in mind.
constexpr bool width_counts_fillfactor = PG_VERSION_NUM >= 170000;

inline const config_generic *find_setting(const char *name) {
#if PG_VERSION_NUM >= 160000
    return find_option(name, false, true, DEBUG1);
#else
    const int count = GetNumConfigOptions();
    config_generic **all = get_guc_variables();
    for (int i = 0; i < count; ++i)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return nullptr;
#endif
}

// Plans and explains one query as the server does without a hook; 17 has a function for it.
inline void explain_query(Query *query, int options, IntoClause *into, ExplainState *state, const char *source,
                          ParamListInfo parameters, QueryEnvironment *environment) {
#if PG_VERSION_NUM >= 170000
    standard_ExplainOneQuery(query, options, into, state, source, parameters, environment);
#else
    instr_time start;
    instr_time duration;
    const BufferUsage before = pgBufferUsage;
    BufferUsage used{};
    INSTR_TIME_SET_CURRENT(start);
    PlannedStmt *plan = pg_plan_query(query, source, options, parameters);
    INSTR_TIME_SET_CURRENT(duration);
    INSTR_TIME_SUBTRACT(duration, start);
    BufferUsageAccumDiff(&used, &pgBufferUsage, &before);
    ExplainOnePlan(plan, into, state, source, parameters, environment, &duration, state->buffers ? &used : nullptr);
#endif
}

} // namespace dbperf::core::compat
