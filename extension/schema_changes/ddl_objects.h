// Which objects a DDL statement touches, by name, from its parse tree. Plans name relations without their schema, so do
// we.
#pragma once

#include "core/pg.h"

namespace dbperf::schema_changes {

// Names, each ended by a NUL, without duplicates; what finds no room is left out.
struct DdlObjects {
    static constexpr size_t room = 1024;
    size_t length;
    bool is_temporary; // tables that others cannot see, or something of them, and nothing else
    bool is_lasting;   // at least one that others see, or one that cannot be looked up
    char names[room];
};

// False for what is no DDL that a plan could depend on, or may hold a secret (passwords of roles and servers). To be
// asked before the statement is executed: what it drops can be looked up only then. Never raises.
bool ddl_objects_of(Node *statement, DdlObjects *objects);

} // namespace dbperf::schema_changes
