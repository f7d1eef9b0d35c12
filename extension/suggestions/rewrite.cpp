// Parses, has the parts rewrite, deparses, and parses what came out.
#include "core/pg.h"

#include "suggestions/rewrite.h"

#include "core/compat.h"
#include "core/one_line.h"
#include "core/settings.h"
#include "suggestions/rewrite_key.h"
#include "suggestions/rewrite_select.h"
#include "suggestions/rewrite_tree.h"
#include "suggestions/rewrite_write.h"

namespace dbperf::suggestions::rewrite {
using namespace core;

namespace {

struct Analysed {
    Query *query; // null: not one statement of the kinds that are rewritten
    const char *reason;
    Oid *types;
    int count;
};

// An error's position is one in this text, not in the statement that the session executes.
void place_error(void *text) {
    const int position = geterrposition();
    if (position > 0) {
        errposition(0);
        internalerrposition(position);
        internalerrquery(static_cast<const char *>(text));
    }
}

// Makes string constants parameters, numbered from *number on.
bool replace_strings(Node *node, void *number) {
    if (!node)
        return false;
    if (IsA(node, A_Const)) {
        auto *constant = reinterpret_cast<A_Const *>(node);
        if (constant->isnull || !IsA(&constant->val, String))
            return false;
        static_assert(sizeof(ParamRef) <= sizeof(A_Const));
        auto *parameter = reinterpret_cast<ParamRef *>(node);
        memset(static_cast<void *>(node), 0, sizeof(ParamRef));
        parameter->type = T_ParamRef;
        parameter->number = (*static_cast<int *>(number))++;
        parameter->location = -1;
        return false;
    }
    return compat::walk_raw(node, replace_strings, number);
}

bool count_references(Node *node, void *count) {
    if (node && IsA(node, ParamRef))
        *static_cast<int *>(count) = Max(*static_cast<int *>(count), reinterpret_cast<ParamRef *>(node)->number);
    return node && compat::walk_raw(node, count_references, count);
}

// Whether no constant is read by what somebody made: that of a domain, of an array of it or of a row with it runs its
// CHECK already in parse analysis, with the rights of whoever only looks at the text. So it is analysed with
// parameters in place of strings before, which gives their types and reads nothing.
bool reads_only_own_types(const char *text) {
    RawStmt *statement = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT));
    int first = 0;
    count_references(statement->stmt, &first);
    int next = ++first;
    replace_strings(statement->stmt, &next);
    if (next == first)
        return true;
    ParseState *state = make_parsestate(nullptr);
    state->p_sourcetext = text;
    Oid *types = nullptr;
    int count = 0;
    setup_parse_variable_parameters(state, &types, &count);
    transformTopLevelStmt(state, statement);
    free_parsestate(state);
    for (int i = first; i <= count; ++i)
        if (types[i - 1] >= FirstNormalObjectId)
            return false;
    return true;
}

// Without the hooks of parse analysis: nobody is to observe this.
Analysed analysed_text(const char *text) {
    Analysed analysed{};
    analysed.reason = "only one SELECT, INSERT, UPDATE or DELETE is rewritten";
    List *statements = raw_parser(text, RAW_PARSE_DEFAULT);
    if (list_length(statements) != 1)
        return analysed;
    RawStmt *statement = linitial_node(RawStmt, statements);
    if (!IsA(statement->stmt, SelectStmt) && !IsA(statement->stmt, InsertStmt) && !IsA(statement->stmt, UpdateStmt) &&
        !IsA(statement->stmt, DeleteStmt))
        return analysed;
    if (!reads_only_own_types(text)) {
        analysed.reason = "it has a constant of a type that somebody made: leave a parameter in its place";
        return analysed;
    }
    ParseState *state = make_parsestate(nullptr);
    state->p_sourcetext = text;
    setup_parse_variable_parameters(state, &analysed.types, &analysed.count);
    Query *query = transformTopLevelStmt(state, statement);
    check_variable_parameters(state, query);
    free_parsestate(state);
    if (query->commandType != CMD_UTILITY)
        analysed.query = query;
    return analysed;
}

Analysed analyse(const char *text) {
    ErrorContextCallback callback{error_context_stack, place_error, const_cast<char *>(text)};
    error_context_stack = &callback;
    const Analysed analysed = analysed_text(text);
    error_context_stack = callback.previous;
    return analysed;
}

// A text that fills the room for texts was cut.
bool is_cut(const char *text) {
    return strlen(text) + MAX_MULTIBYTE_CHAR_LEN >= static_cast<size_t>(settings::max_query_length);
}

// Who looks at other people's databases has an empty search_path, under which no statement names a table.
void use_default_path_for_none() {
    const char *path = GetConfigOption("search_path", false, false);
    const char *usual = GetConfigOptionResetString("search_path");
    if (usual && (path[0] == '\0' || strcmp(path, "\"\"") == 0))
        set_config_option("search_path", usual, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

} // namespace

Rewrite rewrite_of(const char *text, const char *key_column) {
    use_default_path_for_none();
    Rewrite result{};
    if (is_cut(text)) {
        result.reason = "its text was cut at dbperf.max_query_length";
        return result;
    }
    const Analysed analysed = analyse(text);
    result.reason = analysed.reason;
    if (!analysed.query)
        return result;
    result.command = analysed.query->commandType;
    Query *query = with_lists(analysed.query, text);
    if (!query) {
        result.reason = "it has a list that the normalised text does not show";
        return result;
    }
    if (sorts_by_parameter(query)) {
        result.reason = "the normalised text does not show what it sorts by";
        return result;
    }
    auto *uses = static_cast<int *>(palloc0(sizeof(int) * static_cast<size_t>(analysed.count + 1)));
    count_parameters(query, uses, analysed.count);
    const int all = distinct_parameters(uses, analysed.count);
    query = with_equal_bounds(query, key_column);
    const Key key = find_key(query, key_column);
    result.key_parameter = key.parameter;
    result.key_type = key.type;
    result.key_is_list = key.is_list;
    result.relation = key.relation;
    result.column = key.name;
    result.has_others = all > (key.parameter > 0 ? 1 : 0);
    const bool inserts = query->commandType == CMD_INSERT;
    if (analysed.count == 0 || (key.parameter == 0 && !inserts)) {
        result.reason = analysed.count == 0 ? "it has no parameter"
                        : key_column        ? psprintf("no parameter is compared with %s alone", key_column)
                                            : "it is not clear which parameter is the key";
        return result;
    }
    memset(uses, 0, sizeof(int) * static_cast<size_t>(analysed.count));
    count_parameters(query, uses, analysed.count);
    auto **others = static_cast<Node **>(palloc0(sizeof(Node *) * static_cast<size_t>(analysed.count)));
    int number = 1 + list_length(key.companions); // those of the keys
    for (int i = 0; i < analysed.count; ++i)
        if (uses[i] > 0 && i + 1 != key.parameter && !list_member_int(key.companions, i + 1))
            others[i] = scalar_parameter(++number, analysed.types[i]);
    if (key.parameter > 0 && !OidIsValid(result.key_type))
        result.key_type = analysed.types[key.parameter - 1];
    Key typed = key;
    typed.type = result.key_type;

    const Parameters parameters{others, uses, analysed.types, analysed.count};
    Query *rewritten = query->commandType == CMD_SELECT
                           ? select_for_all(query, typed, parameters, &result.added_column, &result.reason)
                           : write_all(query, typed, parameters, &result.reason);
    if (!rewritten)
        return result;
    char *made = pg_get_querydef(rewritten, true);
    made[put_on_one_line({made, strlen(made)})] = '\0';
    if (analyse(made).query) {
        result.text = made;
        result.reason = nullptr;
    }
    return result;
}

} // namespace dbperf::suggestions::rewrite
