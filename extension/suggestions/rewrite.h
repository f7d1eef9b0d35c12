// A repeated statement, made one that does the work of all its executions.
#pragma once

#include "core/pg.h"

namespace dbperf::suggestions::rewrite {

struct Rewrite {
    const char *text;   // null: no safe rewrite is known
    const char *reason; // then, why: part of a sentence
    // The rest is of a statement that was understood, rewritten or not.
    CmdType command;
    int key_parameter;  // its number in the original; 0: no lookup was found
    Oid key_type;       // of one key
    bool key_is_list;   // the original takes an array with the key in it
    bool has_others;    // the original has more parameters than the key
    int added_column;   // position in the rewrite of a column that the original does not have; 0: none
    Oid relation;       // whose column the key is compared with, or 0
    const char *column; // its name
};

// key_column: of the finding, or null for the one column that a parameter is compared with; a range over it is one of a
// single value. The text may be normalised, its parameters are of unknown type. Reads the catalogs by the search_path
// of the session, where that is empty by the one it began with from now on, and locks the tables of the statement, so
// call it where that can be with_rolled_back_subtransaction. Raises what the parser raises.
Rewrite rewrite_of(const char *text, const char *key_column);

} // namespace dbperf::suggestions::rewrite
