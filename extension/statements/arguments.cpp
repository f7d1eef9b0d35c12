// See the header.
#include "core/pg.h"

#include "statements/arguments.h"

#include "statements/query_text.h"

namespace dbperf::statements {

const char *database_name(Oid database) {
    const char *name = get_database_name(database);
    return name ? name : psprintf("dropped database %u", database);
}

const char *role_name(Oid role) {
    const char *name = GetUserNameFromId(role, true);
    return name ? name : psprintf("dropped role %u", role);
}

void store_query_text(uint64 fingerprint) {
    const char *text = query_text::get(fingerprint);
    if (!text)
        return;
    Arguments arguments;
    arguments.project();
    arguments.bigint(fingerprint);
    arguments.text(text);
    arguments.execute("INSERT INTO dbperf.query_text (project, fingerprint, query) VALUES ($1, $2, $3) "
                      "ON CONFLICT DO NOTHING");
}

const char *query_name(uint64 name) {
    return name == 0 ? nullptr : query_text::get(name);
}

} // namespace dbperf::statements
