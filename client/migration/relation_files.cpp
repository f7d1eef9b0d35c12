#include "migration/relation_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace dbperf::client::migration {
using namespace postgres;

// The session is in the middle of a migration and has the search_path of that: every operator is named with its schema.
Relations read_relations(Connection &connection) {
    const Result rows = connection.execute(
        "SELECT c.oid::pg_catalog.int8 AS oid, c.relkind,"
        " CASE WHEN pg_catalog.pg_relation_filenode(c.oid) IS NULL THEN ''"
        "      ELSE pg_catalog.concat(c.reltablespace, '/', pg_catalog.pg_relation_filenode(c.oid)) END AS file,"
        " pg_catalog.concat(CASE WHEN n.nspname OPERATOR(pg_catalog.<>) 'public' THEN pg_catalog.concat(n.nspname, "
        "'.') END,"
        "                   c.relname) AS name,"
        " CASE WHEN t.oid IS NOT NULL THEN pg_catalog.concat(CASE WHEN tn.nspname OPERATOR(pg_catalog.<>) 'public'"
        " THEN pg_catalog.concat(tn.nspname, '.') END, t.relname) END AS table_name"
        " FROM pg_catalog.pg_class AS c"
        " JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace"
        " LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid OPERATOR(pg_catalog.=) c.oid"
        " LEFT JOIN pg_catalog.pg_class AS t ON t.oid OPERATOR(pg_catalog.=) i.indrelid"
        " LEFT JOIN pg_catalog.pg_namespace AS tn ON tn.oid OPERATOR(pg_catalog.=) t.relnamespace"
        " WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,m,f,v,i,I}'::pg_catalog.\"char\"[])"
        " AND c.relpersistence OPERATOR(pg_catalog.<>) 't'"
        " AND n.nspname OPERATOR(pg_catalog.<>) ALL ('{information_schema,dbperf}'::pg_catalog.name[])"
        " AND NOT pg_catalog.starts_with(n.nspname, 'pg_')");
    Relations relations;
    for (int row = 0; row < rows.rows(); ++row) {
        const std::string name = rows.text(row, "name");
        relations[rows.integer(row, "oid")] = {name, rows.text(row, "relkind"), rows.text(row, "file"),
                                               rows.is_null(row, "table_name") ? name : rows.text(row, "table_name")};
    }
    return relations;
}

std::vector<ChangedFile> changed_files(Connection &connection, const Relations &before, const Relations &after) {
    std::set<std::string> old_files;
    std::set<std::string> old_names; // REINDEX CONCURRENTLY gives an index another OID under its old name
    for (const auto &[oid, relation] : before) {
        old_files.insert(relation.file);
        old_names.insert(relation.kind + relation.name);
    }
    std::vector<ChangedFile> changed;
    for (const auto &[oid, relation] : after) {
        if (relation.file.empty() || old_files.count(relation.file) != 0)
            continue;
        const bool is_index = relation.kind == "i";
        const bool existed = before.count(oid) != 0 || old_names.count(relation.kind + relation.name) != 0;
        if (!is_index && before.count(oid) == 0)
            continue; // a new table
        ChangedFile file;
        file.relation = relation.name;
        file.table = relation.table;
        file.is_index = is_index;
        file.bytes = connection
                         .execute(fmt::format("SELECT coalesce(pg_catalog.pg_relation_size({}::pg_catalog.oid::"
                                              "pg_catalog.regclass), 0) AS bytes",
                                              oid))
                         .integer(0, "bytes");
        file.change = !existed                       ? FileChange::built
                      : !is_index && file.bytes == 0 ? FileChange::emptied
                                                     : FileChange::rewritten;
        changed.push_back(std::move(file));
    }
    std::stable_sort(changed.begin(), changed.end(),
                     [](const ChangedFile &a, const ChangedFile &b) { return a.is_index < b.is_index; });
    return changed;
}

std::map<long long, TableWork> read_table_work(Connection &connection, const Relations &relations) {
    const Result rows = connection.execute(
        "SELECT s.relid::pg_catalog.int8 AS oid, s.seq_scan, s.seq_tup_read,"
        " s.n_tup_ins OPERATOR(pg_catalog.+) s.n_tup_upd OPERATOR(pg_catalog.+) s.n_tup_del AS changed"
        " FROM pg_catalog.pg_stat_xact_user_tables AS s"
        " WHERE (s.seq_scan OPERATOR(pg_catalog.+) s.n_tup_ins OPERATOR(pg_catalog.+) s.n_tup_upd"
        " OPERATOR(pg_catalog.+) s.n_tup_del) OPERATOR(pg_catalog.>) 0");
    std::map<long long, TableWork> work;
    for (int row = 0; row < rows.rows(); ++row) {
        const auto found = relations.find(rows.integer(row, "oid"));
        if (found != relations.end())
            work[found->first] = {found->second.name, rows.integer(row, "seq_scan"), rows.integer(row, "seq_tup_read"),
                                  rows.integer(row, "changed")};
    }
    return work;
}

std::vector<TableWork> work_since(const std::map<long long, TableWork> &earlier,
                                  const std::map<long long, TableWork> &now) {
    std::vector<TableWork> added;
    for (const auto &[oid, total] : now) {
        TableWork work = total;
        if (const auto known = earlier.find(oid); known != earlier.end()) {
            work.scans = std::max(0LL, work.scans - known->second.scans);
            work.rows_read = std::max(0LL, work.rows_read - known->second.rows_read);
            work.rows_changed = std::max(0LL, work.rows_changed - known->second.rows_changed);
        }
        if (work.scans > 0 || work.rows_changed > 0)
            added.push_back(std::move(work));
    }
    return added;
}

} // namespace dbperf::client::migration
