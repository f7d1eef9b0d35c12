#include "core/pg.h"

#include "index_advice/advised_statement.h"

#include "core/compat.h"

namespace dbperf::index_advice::advised_statement {
using namespace core;

namespace {

bool is_planned(const Node *statement) {
    return IsA(statement, SelectStmt) || IsA(statement, InsertStmt) || IsA(statement, UpdateStmt) ||
           IsA(statement, DeleteStmt) || IsA(statement, MergeStmt);
}

// Those of unknown type are what the statement compares them with.
Oid *stated_types(const captured_request::Request &request) {
    auto *types = static_cast<Oid *>(palloc0(sizeof(Oid) * static_cast<size_t>(request.parameters + 1)));
    for (int i = 0; i < request.parameters; ++i)
        if (const char *name = captured_request::type_name(request, i))
            types[i] = compat::type_named(name);
    return types;
}

ParamListInfo read_parameters(const captured_request::Request &request, const Oid *types, int count) {
    ParamListInfo list = makeParamList(count);
    for (int i = 0; i < count; ++i) {
        const bool is_known = i < request.parameters && OidIsValid(types[i]) && types[i] != UNKNOWNOID;
        list->params[i] =
            is_known ? captured_request::value(request, i, types[i]) : ParamExternData{Datum{0}, true, 0, InvalidOid};
    }
    return list;
}

void note_write(AdvisedStatement *statement, const Query *query) {
    statement->command = query->commandType;
    if (query->commandType == CMD_SELECT || query->resultRelation == 0)
        return;
    const RangeTblEntry *entry = rt_fetch(query->resultRelation, query->rtable);
    statement->written = entry->relid;
    if (query->commandType != CMD_UPDATE)
        return;
    for (int i = 0; i < list_length(query->targetList); ++i) {
        const auto *assigned = static_cast<const TargetEntry *>(list_nth(query->targetList, i));
        if (!assigned->resjunk)
            statement->assigned =
                bms_add_member(statement->assigned, assigned->resno - FirstLowInvalidHeapAttributeNumber);
    }
}

void understand(AdvisedStatement *statement) {
    const char *text = statement->request.statement;
    List *parsed = raw_parser(text, RAW_PARSE_DEFAULT);
    if (list_length(parsed) != 1 || !is_planned(linitial_node(RawStmt, parsed)->stmt))
        ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                errmsg("only one SELECT, INSERT, UPDATE, DELETE or MERGE is planned"));
    // Without the hooks of parse analysis: nobody is to observe this.
    ParseState *state = make_parsestate(nullptr);
    state->p_sourcetext = text;
    int count = statement->request.parameters;
    Oid *types = stated_types(statement->request);
    setup_parse_variable_parameters(state, &types, &count);
    Query *query = transformTopLevelStmt(state, linitial_node(RawStmt, parsed));
    check_variable_parameters(state, query);
    free_parsestate(state);
    if (query->commandType == CMD_UTILITY)
        ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("a command has no plan"));
    statement->parameters = read_parameters(statement->request, types, count);
    note_write(statement, query);
    statement->queries = QueryRewrite(query);
}

what_if::Outcome plan_all(AdvisedStatement *statement, std::span<const IndexShape *const> visible,
                          bool check_permissions) {
    what_if::Outcome all{};
    for (int i = 0; i < list_length(statement->queries); ++i) {
        const auto *query = static_cast<const Query *>(list_nth(statement->queries, i));
        if (query->commandType == CMD_UTILITY)
            continue;
        const what_if::Outcome one =
            what_if::plan(query, statement->request.statement, statement->parameters, visible, check_permissions);
        all.cost += one.cost;
        all.rows += one.rows;
        all.written_rows += one.written_rows;
        all.present = list_concat_unique_oid(all.present, one.present);
        all.used = list_concat_unique_ptr(all.used, one.used);
    }
    return all;
}

} // namespace

void prepare(AdvisedStatement *statement) {
    char *message = nullptr;
    // Whose it is, and whether that is to be known, is the caller's matter.
    if (!attempt_in_subtransaction(
            [statement] {
                statement->role = captured_role::named(statement->request.role);
                captured_role::require(statement->role);
            },
            &message)) {
        statement->failure = message ? message : "";
        return;
    }
    as_its_role(statement, [statement] {
        understand(statement);
        const what_if::Outcome outcome = plan_all(statement, {}, !statement->is_implied);
        statement->cost = outcome.cost;
        statement->rows = outcome.rows;
        statement->written_rows = outcome.written_rows;
        statement->present = outcome.present;
    });
}

what_if::Outcome plan(AdvisedStatement *statement, std::span<const IndexShape *const> visible) {
    what_if::Outcome outcome{};
    MemoryContext outside = CurrentMemoryContext;
    MemoryContext scratch = AllocSetContextCreate(outside, "dbperf what-if", ALLOCSET_DEFAULT_SIZES);
    const char *before = statement->failure;
    const bool done = as_its_role(
        statement, [&] { with_memory_context(scratch, [&] { outcome = plan_all(statement, visible, false); }); });
    statement->failure = before; // it has a plan without them
    MemoryContextSwitchTo(outside);
    if (done)
        outcome = {outcome.cost, outcome.rows, outcome.written_rows, list_copy(outcome.used),
                   list_copy(outcome.present)};
    else
        outcome = {-1, 0, 0, NIL, NIL};
    MemoryContextDelete(scratch);
    return outcome;
}

} // namespace dbperf::index_advice::advised_statement
