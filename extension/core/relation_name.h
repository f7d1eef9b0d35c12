// What relations are called in what people read.
#pragma once

#include "core/pg.h"

#include <span>

namespace dbperf::core {

inline void write_relation_name(const char *schema, const char *name, std::span<char> into) {
    if (schema)
        snprintf(into.data(), into.size(), "%s.%s", schema, name);
    else
        strlcpy(into.data(), name, into.size());
    // Cut within a character it would be no text.
    const size_t length = strlen(into.data());
    if (length + 1 == into.size())
        into[static_cast<size_t>(pg_mbcliplen(into.data(), static_cast<int>(length), static_cast<int>(length)))] = '\0';
}

// Of a relation of this database: in schema public, or a temporary one, the name alone. False when it is gone, or an
// index or the like. Needs a transaction.
inline bool name_relation(Oid relation, std::span<char> name) {
    name[0] = '\0';
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
    if (!HeapTupleIsValid(tuple))
        return false;
    const Form_pg_class form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
    const bool is_table = form->relkind != RELKIND_INDEX && form->relkind != RELKIND_PARTITIONED_INDEX &&
                          form->relkind != RELKIND_TOASTVALUE;
    if (is_table) {
        const char *schema = get_namespace_name(form->relnamespace);
        // Schema public may have been made anew, under another number.
        const bool plain = !schema || strcmp(schema, "public") == 0 || form->relpersistence == RELPERSISTENCE_TEMP;
        write_relation_name(plain ? nullptr : schema, NameStr(form->relname), name);
    }
    ReleaseSysCache(tuple);
    return is_table;
}

} // namespace dbperf::core
