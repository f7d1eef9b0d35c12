// What the check of a foreign key locks. Backend-local, kept until the catalog changes.
//
// Up to 18 the server checks by a statement, which is seen as any other. From 19 on it looks the row up in the index
// itself, and no hook hears of it: whoever follows locks has to know what the statement would have been.
#pragma once

#include "core/pg.h"

namespace dbperf::lookups {

struct ForeignKey {
    static constexpr int max_columns = 8;
    struct Column {
        AttrNumber child;
        Oid child_type;
        Oid equality; // operator: parent's = child's
        char name[NAMEDATALEN];
    };
    Oid constraint;
    Oid parent;
    Oid index;       // of the parent's key
    bool deferrable; // its check may come later
    int count;
    Column columns[max_columns]; // in the order of the index
    char parent_name[80];        // as name_relation() says
    const char *check;           // the statement by which earlier servers check
};

// Null for what the server checks by a statement: a key of a partitioned table, or of periods. Stays where it is, but
// may be filled anew. Never raises.
const ForeignKey *foreign_key(Oid constraint);
// When nobody refers to one: begins anew when there are many, such as those of temporary tables that are long gone.
void forget_many_foreign_keys();

} // namespace dbperf::lookups
