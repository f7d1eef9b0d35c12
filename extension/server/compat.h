// Differences between server majors, and nothing else.
#pragma once

#include "server/pg.h"

namespace dbperf::compat {

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

// Number of the transaction within this backend's life.
inline uint64 local_transaction() {
#if PG_VERSION_NUM >= 170000
    return MyProc->vxid.lxid;
#else
    return MyProc->lxid;
#endif
}

// The locks that this backend holds in the shared lock table, by partition of that; null: none.
#if PG_VERSION_NUM >= 160000
inline const void *newest_own_lock(int partition) {
    const dlist_head &list = MyProc->myProcLocks[partition];
    return list.head.prev == &list.head ? nullptr : list.head.prev;
}
template <typename Visit>
void each_own_lock(int partition, Visit visit) {
    const dlist_node *end = &MyProc->myProcLocks[partition].head;
    for (dlist_node *at = end->next; at != nullptr && at != end; at = at->next)
        visit(*reinterpret_cast<const PROCLOCK *>(reinterpret_cast<char *>(at) - offsetof(PROCLOCK, procLink)));
}
#else
inline const void *newest_own_lock(int partition) {
    const SHM_QUEUE &list = MyProc->myProcLocks[partition];
    return list.prev == &list ? nullptr : list.prev;
}
template <typename Visit>
void each_own_lock(int partition, Visit visit) {
    SHM_QUEUE *list = &MyProc->myProcLocks[partition];
    constexpr Size link = offsetof(PROCLOCK, procLink);
    for (auto *at = reinterpret_cast<PROCLOCK *>(SHMQueueNext(list, list, link)); at != nullptr;
         at = reinterpret_cast<PROCLOCK *>(SHMQueueNext(list, &at->procLink, link)))
        visit(*at);
}
#endif

// Columns that an UPDATE of one of its relations sets, in the order of its subplan's output.
inline const List *updated_columns(const ModifyTableState *state, int relation) {
#if PG_VERSION_NUM >= 180000
    const List *lists = state->mt_updateColnosLists;
#else
    const List *lists = reinterpret_cast<const ModifyTable *>(state->ps.plan)->updateColnosLists;
#endif
    return relation < list_length(lists) ? static_cast<const List *>(list_nth(lists, relation)) : nullptr;
}

inline Latch *latch_of_process(int number) {
    return &ProcGlobal->allProcs[number].procLatch;
}
inline int number_of_process() {
    return static_cast<int>(MyProc - ProcGlobal->allProcs);
}

} // namespace dbperf::compat
