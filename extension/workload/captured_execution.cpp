// dbperf.captured is a captured request. What it asks for:
//   inspect           one row says what the statement is: "execute", "skip", or "savepoint", "release" or "rollback"
//                     and the name of a savepoint; an error that it is not executed, and why
//   execute, explain  a query
//   replay            also a command that locks; what is deferred waits for SET CONSTRAINTS, where that is safe
#include "core/pg.h"

#include "workload/captured_execution.h"

#include "core/captured_request.h"
#include "core/captured_role.h"
#include "core/compat.h"

namespace dbperf::workload::captured_execution {
using namespace core;
using captured_request::Request;

namespace {

char *request_text = nullptr;
bool running = false;
bool executed = false; // in the transaction under way

const char *name_of_setting(const VariableSetStmt *statement) {
    if (statement->name && strcmp(statement->name, "role") == 0)
        return "SET ROLE";
    if (statement->name && strcmp(statement->name, "session_authorization") == 0)
        return "SET SESSION AUTHORIZATION";
    return statement->kind == VAR_RESET_ALL ? "RESET ALL" : nullptr;
}

// Why it is not executed; null: it is.
const char *refusal_of(const Node *statement, bool commands) {
    switch (nodeTag(statement)) {
    case T_SelectStmt:
    case T_InsertStmt:
    case T_UpdateStmt:
    case T_DeleteStmt:
    case T_MergeStmt:
        return nullptr;
    case T_CopyStmt: {
        const auto *copy = reinterpret_cast<const CopyStmt *>(statement);
        return copy->is_program ? "COPY with a program" : copy->filename ? "COPY with a file" : "COPY of the client";
    }
    case T_VariableSetStmt: {
        const char *name = name_of_setting(reinterpret_cast<const VariableSetStmt *>(statement));
        return name ? name : "SET";
    }
    case T_DeclareCursorStmt:
        if ((reinterpret_cast<const DeclareCursorStmt *>(statement)->options & CURSOR_OPT_HOLD) != 0)
            return "DECLARE CURSOR WITH HOLD";
        break;
    case T_IndexStmt:
        if (reinterpret_cast<const IndexStmt *>(statement)->concurrent)
            return "CREATE INDEX CONCURRENTLY";
        break;
    case T_DropStmt:
        if (reinterpret_cast<const DropStmt *>(statement)->concurrent)
            return "DROP INDEX CONCURRENTLY";
        break;
    case T_ReindexStmt: {
        // Of one table or index; others, and one that is not to block, make transactions of their own.
        const auto *reindex = reinterpret_cast<const ReindexStmt *>(statement);
        if ((reindex->kind != REINDEX_OBJECT_INDEX && reindex->kind != REINDEX_OBJECT_TABLE) || reindex->params != NIL)
            return "REINDEX";
        break;
    }
    case T_ExplainStmt:
        return refusal_of(reinterpret_cast<const ExplainStmt *>(statement)->query, false);
    case T_LockStmt:
    case T_TruncateStmt:
    case T_AlterTableStmt:
    case T_RenameStmt:
    case T_CreateStmt:
    case T_CreateTableAsStmt:
    case T_CreateTrigStmt:
    case T_ViewStmt:
    case T_CommentStmt:
    case T_RefreshMatViewStmt:
    case T_CreateSeqStmt:
    case T_AlterSeqStmt:
    case T_ConstraintsSetStmt:
    case T_FetchStmt:
        break;
    default:
        return GetCommandTagName(CreateCommandTag(const_cast<Node *>(statement)));
    }
    return commands ? nullptr : GetCommandTagName(CreateCommandTag(const_cast<Node *>(statement)));
}

[[noreturn]] void refuse(const char *what) {
    ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("%s is not executed again", what),
            errhint("It could leave the role that it was seen from, or cannot be taken back."));
    pg_unreachable();
}

RawStmt *parse_one(const char *text) {
    List *statements = raw_parser(text, RAW_PARSE_DEFAULT);
    if (list_length(statements) != 1)
        refuse("a text of several statements, or of none,");
    return linitial_node(RawStmt, statements);
}

// For savepoints, which the client makes, by their names.
const char *of_transaction(const TransactionStmt *statement) {
    switch (statement->kind) {
    case TRANS_STMT_SAVEPOINT:
        return psprintf("savepoint %s", statement->savepoint_name);
    case TRANS_STMT_RELEASE:
        return psprintf("release %s", statement->savepoint_name);
    case TRANS_STMT_ROLLBACK_TO:
        return psprintf("rollback %s", statement->savepoint_name);
    default:
        return nullptr;
    }
}

// What other settings there were is kept with each statement.
const char *inspect(const Node *statement) {
    if (IsA(statement, TransactionStmt))
        if (const char *kind = of_transaction(reinterpret_cast<const TransactionStmt *>(statement)))
            return kind;
    if (IsA(statement, VariableSetStmt)) {
        if (const char *what = name_of_setting(reinterpret_cast<const VariableSetStmt *>(statement)))
            refuse(what);
        return "skip";
    }
    if (const char *what = refusal_of(statement, true))
        refuse(what);
    return "execute";
}

ParamListInfo read_parameters(const Request &request) {
    if (request.parameters == 0)
        return nullptr;
    ParamListInfo list = makeParamList(request.parameters);
    for (int i = 0; i < request.parameters; ++i) {
        const char *type = captured_request::type_name(request, i);
        if (!type)
            captured_request::fail_malformed();
        list->params[i] = captured_request::value(request, i, compat::type_named(type));
    }
    return list;
}

// Puts each row into one text.
struct Rows {
    DestReceiver base;
    TupOutputState *output;
    MemoryContext scratch;
    FmgrInfo *functions;
    StringInfoData flags;
    bool is_plain; // a plan is one text
};

void rows_begin(DestReceiver *self, int, TupleDesc descriptor) {
    auto *to = reinterpret_cast<Rows *>(self);
    to->functions = static_cast<FmgrInfo *>(palloc(sizeof(FmgrInfo) * static_cast<size_t>(descriptor->natts + 1)));
    resetStringInfo(&to->flags);
    for (int i = 0; i < descriptor->natts; ++i) {
        const Oid type = TupleDescAttr(descriptor, i)->atttypid;
        Oid function;
        bool varlena;
        getTypeOutputInfo(type, &function, &varlena);
        fmgr_info(function, &to->functions[i]);
        appendStringInfoChar(&to->flags, type == FLOAT4OID || type == FLOAT8OID ? 'f' : '-');
    }
}

void put(Rows *to, const char *text, size_t length) {
    Datum value = PointerGetDatum(cstring_to_text_with_len(text, static_cast<int>(length)));
    bool is_null = false;
    do_tup_output(to->output, &value, &is_null);
}

bool rows_add(TupleTableSlot *slot, DestReceiver *self) {
    auto *to = reinterpret_cast<Rows *>(self);
    slot_getallattrs(slot);
    with_memory_context(to->scratch, [slot, to] {
        StringInfoData row;
        initStringInfo(&row);
        for (int i = 0; i < slot->tts_tupleDescriptor->natts; ++i) {
            if (slot->tts_isnull[i]) {
                appendStringInfoChar(&row, 'n');
                continue;
            }
            const char *text = OutputFunctionCall(&to->functions[i], slot->tts_values[i]);
            const auto length = static_cast<int>(strlen(text));
            if (!to->is_plain)
                appendStringInfo(&row, "%d:", length);
            appendBinaryStringInfo(&row, text, length);
        }
        put(to, row.data, static_cast<size_t>(row.len));
    });
    MemoryContextReset(to->scratch);
    return true;
}

void rows_end(DestReceiver *) {}

Rows rows_to(DestReceiver *destination) {
    TupleDesc descriptor = CreateTemplateTupleDesc(1);
    TupleDescInitEntry(descriptor, 1, "dbperf.captured", TEXTOID, -1, 0);
    Rows made{};
    made.base.receiveSlot = rows_add;
    made.base.rStartup = rows_begin;
    made.base.rShutdown = rows_end;
    made.base.rDestroy = rows_end;
    made.base.mydest = DestNone;
    made.output = begin_tup_output_tupdesc(destination, descriptor, &TTSOpsVirtual);
    made.scratch = AllocSetContextCreate(CurrentMemoryContext, "dbperf captured rows", ALLOCSET_DEFAULT_SIZES);
    initStringInfo(&made.flags);
    return made;
}

void execute(const char *text, ParamListInfo parameters, Rows *rows) {
    SPIExecuteOptions options{};
    options.params = parameters;
    options.dest = &rows->base;
    const int result = SPI_execute_extended(text, &options);
    if (result < 0)
        elog(ERROR, "SPI_execute_extended failed: %s", SPI_result_code_string(result));
}

// What it did is never to stay, and what it deferred is not to be done as the session's own role.
void forbid_commit(XactEvent event, void *) {
    const bool was_executed = executed;
    executed = executed && event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT;
    if (was_executed && (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE))
        ereport(ERROR, errcode(ERRCODE_INVALID_TRANSACTION_STATE),
                errmsg("a transaction in which dbperf.captured was executed cannot be committed"),
                errhint("End it with ROLLBACK."));
}

void watch_transaction() {
    static bool is_watched = false;
    if (!is_watched)
        RegisterXactCallback(forbid_commit, nullptr);
    is_watched = true;
    executed = true;
}

bool any_deferrable_trigger() {
    Relation catalog = table_open(TriggerRelationId, AccessShareLock);
    SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, nullptr, 0, nullptr);
    bool found = false;
    for (HeapTuple row; !found && HeapTupleIsValid(row = systable_getnext(scan));)
        found = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(row))->tgdeferrable;
    systable_endscan(scan);
    table_close(catalog, AccessShareLock);
    return found;
}

// Where nothing can be deferred, it is done with the statement.
void defer_nothing() {
    ConstraintsSetStmt *statement = makeNode(ConstraintsSetStmt);
    AfterTriggerSetState(statement);
}

void execute_as_role(const Request &request, bool defers, Rows *rows) {
    const bool replays = request.action == "replay";
    if (!defers)
        defer_nothing();
    captured_request::apply_settings(request);
    RawStmt *statement = parse_one(request.statement);
    if (const char *what = refusal_of(statement->stmt, replays))
        refuse(what);
    const bool explains = request.action == "explain";
    rows->is_plain = explains;
    // A command may have to lock before there is a snapshot.
    const bool needs_snapshot = analyze_requires_snapshot(statement) || request.parameters > 0;
    if (needs_snapshot)
        PushActiveSnapshot(GetTransactionSnapshot());
    SPI_connect();
    execute(explains ? psprintf("EXPLAIN (FORMAT JSON) %s", request.statement) : request.statement,
            read_parameters(request), rows);
    appendStringInfo(&rows->flags, " " UINT64_FORMAT, SPI_processed);
    SPI_finish();
    if (needs_snapshot)
        PopActiveSnapshot();
}

void run_request(DestReceiver *destination) {
    const Request request = captured_request::read(request_text);
    const Oid role = captured_role::named(request.role);
    captured_role::require(role);
    Rows rows = rows_to(destination);
    if (request.action == "inspect") {
        const char *kind = inspect(parse_one(request.statement)->stmt);
        kind = psprintf("%d:%s", static_cast<int>(strlen(kind)), kind);
        put(&rows, kind, strlen(kind));
    } else if (request.action == "execute" || request.action == "explain" || request.action == "replay") {
        const bool replays = request.action == "replay";
        const bool defers = replays && captured_role::is_session_of(role) && any_deferrable_trigger();
        // Locks of the session outlive whatever undoes the rest. A transaction needs them from one statement to the
        // next.
        if (!replays)
            LockReleaseSession(USER_LOCKMETHOD);
        watch_transaction();
        captured_role::as(role, defers ? captured_role::Deferring::yes : captured_role::Deferring::no,
                          [&] { execute_as_role(request, defers, &rows); });
        if (!replays)
            LockReleaseSession(USER_LOCKMETHOD);
        put(&rows, rows.flags.data, static_cast<size_t>(rows.flags.len));
    } else {
        captured_request::fail_malformed();
    }
    end_tup_output(rows.output);
}

} // namespace

void install() {
    DefineCustomStringVariable("dbperf.captured", "Used by the program dbperf: a statement that SHOW executes.",
                               nullptr, &request_text, "", PGC_USERSET,
                               GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE, nullptr, nullptr, nullptr);
}

bool is_asked_for(const Node *statement, ProcessUtilityContext context) {
    return IsA(statement, VariableShowStmt) && context == PROCESS_UTILITY_TOPLEVEL && request_text[0] != '\0' &&
           strcmp(reinterpret_cast<const VariableShowStmt *>(statement)->name, "dbperf.captured") == 0;
}

void run(DestReceiver *destination) {
    if (running || InLocalUserIdChange() || InSecurityRestrictedOperation())
        ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                errmsg("dbperf.captured is executed for the client only"),
                errhint("Send SHOW dbperf.captured by itself."));
    // What could be committed must be taken back.
    RequireTransactionBlock(true, "SHOW dbperf.captured");
    running = true;
    with_cleanup([destination] { run_request(destination); }, [] { running = false; });
}

} // namespace dbperf::workload::captured_execution
