// Input functions of types and checks of domains may be those of a role: what calls them runs as the owner of the
// table, as in ANALYZE.
#pragma once

#include "core/pg.h"

#include "core/guard.h"

namespace dbperf::statistics {

template <typename Body>
void as_owner_of(Oid relation, const Body &body) {
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
    if (!HeapTupleIsValid(tuple))
        ereport(ERROR, errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation %u does not exist any more", relation));
    const Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
    ReleaseSysCache(tuple);
    Oid user = InvalidOid;
    int context = 0;
    GetUserIdAndSecContext(&user, &context);
    SetUserIdAndSecContext(owner, context | SECURITY_RESTRICTED_OPERATION);
    core::with_cleanup(body, [user, context] { SetUserIdAndSecContext(user, context); });
}

} // namespace dbperf::statistics
