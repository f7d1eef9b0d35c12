// A text is stored once a project, by its fingerprint.
#include "core/pg.h"

#include "statements/stored_text.h"

#include "statements/known_names.h"
#include "statements/query_text.h"

namespace dbperf::statements {
using namespace core;

const char *database_name(Oid database) {
    if (const char *name = get_database_name(database))
        return name;
    const char *known = known_names::of_database(database);
    return known ? known : psprintf("dropped database %u", database);
}

const char *role_name(Oid role) {
    if (const char *name = GetUserNameFromId(role, true))
        return name;
    const char *known = known_names::of_role(role);
    return known ? known : psprintf("dropped role %u", role);
}

void store_query_text(uint64 fingerprint) {
    const char *text = query_text::get(fingerprint);
    if (!text)
        return;
    RowBuilder row;
    row.project();
    row.bigint(fingerprint);
    row.text(text);
    row.execute("INSERT INTO dbperf.query_text (project, fingerprint, query) VALUES ($1, $2, $3) "
                "ON CONFLICT DO NOTHING");
}

const char *query_name(uint64 name) {
    return name == 0 ? nullptr : query_text::get(name);
}

void add_usage(RowBuilder *row, const Usage &usage) {
    row->bigint(static_cast<uint64>(usage.shared_blks_hit));
    row->bigint(static_cast<uint64>(usage.shared_blks_read));
    row->bigint(static_cast<uint64>(usage.shared_blks_dirtied));
    row->bigint(static_cast<uint64>(usage.shared_blks_written));
    row->bigint(static_cast<uint64>(usage.temp_blks_read));
    row->bigint(static_cast<uint64>(usage.temp_blks_written));
    row->bigint(usage.wal_bytes);
}

} // namespace dbperf::statements
