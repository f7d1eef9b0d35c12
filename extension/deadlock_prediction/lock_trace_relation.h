// What has to be known of a relation to say which of its rows is meant: its unique keys and names. Backend-local.
//
// A row is known by its key, not by its ctid, which every UPDATE changes: transactions that ran one after the other
// are to meet at the same row. Keys of a partition are those of its outermost parent.
#pragma once

#include "core/pg.h"

namespace dbperf::deadlock_prediction::lock_trace {

struct KeyColumn {
    AttrNumber number;
    Oid type; // domains resolved
    Oid collation;
    int16 length;
    bool by_value;
    TypeCacheEntry *hashing; // null: by its bytes
};

struct UniqueKey {
    static constexpr int max_columns = 8;
    uint64 identity; // of relation and column names
    Oid index;
    bool identifies; // at most one row has these values; else it is an exclusion constraint
    char names[NAMEDATALEN];
    int count;
    KeyColumn columns[max_columns];
};

struct RelationFacts {
    static constexpr int max_keys = 4;
    Oid relation; // key
    bool stale;
    bool is_table; // has rows of its own, or partitions that have
    bool is_toast;
    bool is_new;                    // made in this transaction: nobody else sees it
    bool defers_checks;             // may defer those of its foreign keys, of which no hook hears
    Oid indexed;                    // of an index: its table
    char name[NAMEDATALEN * 2 + 8]; // schema-qualified and quoted
    uint64 identity;
    Bitmapset *key_columns; // of all keys that a foreign key could refer to, as the server has it
    int key_count;
    UniqueKey keys[max_keys]; // the first one is that by which rows are known, if it identifies
};

// Null when it cannot be found out. Stays where it is, but may be filled anew, until the transaction ends.
const RelationFacts *facts_of(Oid relation);
// Whatever is still known, without a look at the catalog; null for nothing.
const RelationFacts *known_facts(Oid relation);
// Between transactions, when nobody refers to facts: begins anew when there are many, such as those of temporary tables
// that are long gone.
void forget_if_many();

// Hash of one value; 0 when it has none.
uint64 hash_of_value(const KeyColumn &column, Datum value);
// Writes the value as people read it; returns the length.
int text_of_value(const KeyColumn &column, Datum value, char *into, int room);

} // namespace dbperf::deadlock_prediction::lock_trace
