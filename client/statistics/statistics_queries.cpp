#include "statistics/statistics_queries.h"

#include <fmt/format.h>

namespace dbperf::client::statistics {

namespace {

// Relations of users. What another session rewrites at the moment is not waited for.
constexpr const char *own_relations = R"(
  locked AS (
    SELECT l.relation FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_database d ON d.oid = l.database AND d.datname = pg_catalog.current_database()
     WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'),
  own AS (
    SELECT n.nspname AS schema, c.*, c.oid IN (SELECT relation FROM locked) AS is_locked
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbperf') AND c.relpersistence <> 't'))";

// Until 13 nobody could tell an empty table from one that nobody has counted.
std::string rows_column(int version) {
    return version >= 140000 ? "c.reltuples"
                             : "CASE WHEN c.relpages = 0 AND c.reltuples = 0 THEN -1 ELSE c.reltuples END";
}

constexpr const char *current_pages = "CASE WHEN c.relkind IN ('r', 'm', 'i') AND NOT c.is_locked"
                                      " THEN coalesce(pg_catalog.pg_relation_size(c.oid) / "
                                      "pg_catalog.current_setting('block_size')::pg_catalog.int8, c.relpages)"
                                      " ELSE c.relpages END";

// A slot of statistics whose kind has a name: what is none is no row. `clear` says whether its values may be shown.
std::string slot(const char *kind, const char *numbers, const char *values, const std::string &clear) {
    std::string object = fmt::format("pg_catalog.json_build_object('kind', '{}'", kind);
    if (*numbers != '\0')
        object += fmt::format(", 'numbers', pg_catalog.to_json({})", numbers);
    if (*values != '\0')
        object += fmt::format(", 'values', CASE WHEN {} THEN {}::pg_catalog.text END", clear, values);
    return object + ")";
}

constexpr const char *is_clear = "($1::pg_catalog.oid[] IS NULL OR a.atttypid = ANY ($1::pg_catalog.oid[]))";

} // namespace

std::string planner_settings_query() {
    return R"(SELECT name, setting FROM pg_catalog.pg_settings
 WHERE name IN ('seq_page_cost', 'random_page_cost', 'cpu_tuple_cost', 'cpu_index_tuple_cost', 'cpu_operator_cost', 'parallel_setup_cost',
   'parallel_tuple_cost', 'effective_cache_size', 'work_mem', 'hash_mem_multiplier', 'recursive_worktable_factor', 'cursor_tuple_fraction',
   'constraint_exclusion', 'from_collapse_limit', 'join_collapse_limit', 'geqo', 'geqo_threshold', 'geqo_effort', 'geqo_pool_size',
   'geqo_generations', 'geqo_selection_bias', 'geqo_seed', 'min_parallel_table_scan_size', 'min_parallel_index_scan_size', 'max_parallel_workers',
   'max_parallel_workers_per_gather', 'parallel_leader_participation', 'jit', 'jit_above_cost', 'jit_inline_above_cost', 'jit_optimize_above_cost',
   'effective_io_concurrency', 'maintenance_io_concurrency')
    OR name LIKE 'enable\_%'
 ORDER BY name)";
}

std::string clear_types_query() {
    return R"(WITH RECURSIVE within(root, oid) AS (
  SELECT t.oid, t.oid FROM pg_catalog.pg_type t
  UNION
  SELECT w.root, CASE WHEN t.typtype = 'd' THEN t.typbasetype WHEN t.typcategory = 'A' THEN t.typelem ELSE r.rngsubtype END
    FROM within w JOIN pg_catalog.pg_type t ON t.oid = w.oid LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid
   WHERE t.typtype = 'd' OR t.typcategory = 'A' AND t.typelem <> 0 OR r.rngsubtype IS NOT NULL)
SELECT pg_catalog.array_agg(DISTINCT w.root ORDER BY w.root)
  FROM within w JOIN pg_catalog.pg_type t ON t.oid = w.oid WHERE t.typcategory IN ('N', 'D', 'T', 'B', 'E') AND t.typtype IN ('b', 'e'))";
}

std::string relations_query(int version) {
    return fmt::format(R"(WITH {}
SELECT pg_catalog.json_build_object('schema', c.schema, 'name', c.relname, 'kind', c.relkind, 'pages', c.relpages, 'rows', {},
    'all_visible_pages', c.relallvisible, 'current_pages', {}, 'has_children', c.relhassubclass, 'parents',
    (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('schema', pn.nspname, 'name', p.relname) ORDER BY i.inhseqno), '[]')
       FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class p ON p.oid = i.inhparent JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
      WHERE i.inhrelid = c.oid))
  FROM own c WHERE c.relkind IN ('r', 'm', 'p', 'f') AND $1::pg_catalog.text IS NULL ORDER BY c.schema, c.relname)",
                       own_relations, rows_column(version), current_pages);
}

std::string indexes_query(int version) {
    return fmt::format(R"(WITH {}
SELECT pg_catalog.json_build_object('schema', c.schema, 'relation', t.relname, 'name', c.relname, 'method', m.amname, 'pages', c.relpages,
    'rows', {}, 'current_pages', {}, 'tree_height', NULL, 'valid', i.indisvalid,
    'position', pg_catalog.row_number() OVER (PARTITION BY i.indrelid ORDER BY c.oid))
  FROM own c JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid JOIN pg_catalog.pg_class t ON t.oid = i.indrelid AND t.relkind IN ('r', 'm')
  JOIN pg_catalog.pg_am m ON m.oid = c.relam
 WHERE c.relkind = 'i' AND $1::pg_catalog.text IS NULL ORDER BY c.schema, t.relname, c.oid)",
                       own_relations, rows_column(version), current_pages);
}

std::string first_pages_query(const std::string &schema) {
    return fmt::format(R"(WITH {1}
SELECT c.schema, c.relname, CASE m.amname
    WHEN 'btree' THEN (SELECT pg_catalog.json_build_object('tree_height', b.fastlevel) FROM {0}.bt_metap(q.name) b)
    ELSE (SELECT pg_catalog.json_build_object('pages_of_gin', pg_catalog.json_build_object('total', g.n_total_pages, 'entry', g.n_entry_pages,
            'data', g.n_data_pages, 'entries', g.n_entries, 'pending', g.n_pending_pages)) FROM {0}.gin_metapage_info({0}.get_raw_page(q.name, 0)) g) END
  FROM own c JOIN pg_catalog.pg_am m ON m.oid = c.relam AND m.amname IN ('btree', 'gin')
 CROSS JOIN LATERAL (SELECT pg_catalog.quote_ident(c.schema) || '.' || pg_catalog.quote_ident(c.relname) AS name) q
 WHERE c.relkind = 'i' AND NOT c.is_locked AND c.relpages > 0)",
                       schema, own_relations);
}

std::string columns_query() {
    return fmt::format(R"(WITH {}
SELECT pg_catalog.json_build_object('schema', c.schema, 'relation', c.relname, 'name', a.attname,
    'number', CASE WHEN c.relkind IN ('i', 'I') THEN a.attnum END, 'type', pg_catalog.format_type(a.atttypid, NULL), 'inherited', s.stainherit,
    'null_fraction', s.stanullfrac, 'average_width', s.stawidth, 'distinct', s.stadistinct, 'slots',
    (SELECT coalesce(pg_catalog.json_agg(CASE k.kind WHEN 1 THEN {} WHEN 2 THEN {} WHEN 3 THEN {} WHEN 4 THEN {} WHEN 5 THEN {} WHEN 6 THEN {} ELSE {} END
                     ORDER BY k.number), '[]')
       FROM (VALUES (1, s.stakind1, s.stanumbers1, s.stavalues1::pg_catalog.text), (2, s.stakind2, s.stanumbers2, s.stavalues2::pg_catalog.text),
                    (3, s.stakind3, s.stanumbers3, s.stavalues3::pg_catalog.text), (4, s.stakind4, s.stanumbers4, s.stavalues4::pg_catalog.text),
                    (5, s.stakind5, s.stanumbers5, s.stavalues5::pg_catalog.text)) k(number, kind, numbers, vals)
      WHERE k.kind BETWEEN 1 AND 7))
  FROM own c JOIN pg_catalog.pg_statistic s ON s.starelid = c.oid JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = s.staattnum
 WHERE NOT a.attisdropped ORDER BY c.schema, c.relname, a.attnum, s.stainherit)",
                       own_relations, slot("most_common_values", "k.numbers", "k.vals", is_clear),
                       slot("histogram", "", "k.vals", is_clear), slot("correlation", "k.numbers", "", is_clear),
                       slot("most_common_elements", "k.numbers", "k.vals", is_clear),
                       slot("element_counts", "k.numbers", "", is_clear),
                       slot("range_lengths", "k.numbers", "k.vals", "true"),
                       slot("range_bounds", "", "k.vals", is_clear));
}

std::string readable_columns_query(int version) {
    const std::string ranges =
        version < first_with_ranges
            ? ""
            : fmt::format(", (s.range_length_histogram IS NOT NULL, {}), (s.range_bounds_histogram IS NOT NULL, {})",
                          slot("range_lengths", "ARRAY[s.range_empty_frac]", "s.range_length_histogram", "true"),
                          slot("range_bounds", "", "s.range_bounds_histogram", is_clear));
    return fmt::format(R"(WITH {}
SELECT pg_catalog.json_build_object('schema', c.schema, 'relation', c.relname, 'name', a.attname,
    'number', CASE WHEN c.relkind IN ('i', 'I') THEN a.attnum END, 'type', pg_catalog.format_type(a.atttypid, NULL), 'inherited', s.inherited,
    'null_fraction', s.null_frac, 'average_width', s.avg_width, 'distinct', s.n_distinct, 'slots',
    (SELECT coalesce(pg_catalog.json_agg(k.slot), '[]')
       FROM (VALUES (s.most_common_vals IS NOT NULL, {}), (s.histogram_bounds IS NOT NULL, {}), (s.correlation IS NOT NULL, {}),
                    (s.most_common_elems IS NOT NULL, {}), (s.elem_count_histogram IS NOT NULL, {}){}) k(is_there, slot)
      WHERE k.is_there))
  FROM own c JOIN pg_catalog.pg_stats s ON s.schemaname = c.schema AND s.tablename = c.relname
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = s.attname
 WHERE NOT a.attisdropped ORDER BY c.schema, c.relname, a.attnum, s.inherited)",
                       own_relations, slot("most_common_values", "s.most_common_freqs", "s.most_common_vals", is_clear),
                       slot("histogram", "", "s.histogram_bounds", is_clear),
                       slot("correlation", "ARRAY[s.correlation]", "", is_clear),
                       slot("most_common_elements", "s.most_common_elem_freqs", "s.most_common_elems", is_clear),
                       slot("element_counts", "s.elem_count_histogram", "", is_clear), ranges);
}

std::string extended_statistics_query() {
    return R"(SELECT (pg_catalog.jsonb_build_object('schema', v.statistics_schemaname, 'name', v.statistics_name, 'relation', v.tablename,
    'relation_schema', v.schemaname, 'inherited', coalesce((pg_catalog.to_jsonb(v) ->> 'inherited')::pg_catalog.bool, false), 'kinds', v.kinds,
    'columns', v.attnames, 'numbers', e.stxkeys::pg_catalog.text, 'n_distinct', v.n_distinct::pg_catalog.text,
    'dependencies', v.dependencies::pg_catalog.text)
    || CASE WHEN $1::pg_catalog.oid[] IS NOT NULL THEN '{}' ELSE pg_catalog.jsonb_build_object('most_common_vals', v.most_common_vals,
    'most_common_val_nulls', v.most_common_val_nulls, 'most_common_freqs', v.most_common_freqs,
    'most_common_base_freqs', v.most_common_base_freqs) END)::pg_catalog.text
  FROM pg_catalog.pg_stats_ext v JOIN pg_catalog.pg_namespace n ON n.nspname = v.statistics_schemaname
  JOIN pg_catalog.pg_statistic_ext e ON e.stxnamespace = n.oid AND e.stxname = v.statistics_name
 WHERE v.schemaname !~ '^pg_' AND v.schemaname NOT IN ('information_schema', 'dbperf')
 ORDER BY 1)";
}

std::string unreadable_columns_query() {
    return fmt::format(R"(WITH {}
SELECT pg_catalog.json_build_object('kind', CASE WHEN c.relkind = 'i' THEN 'index column' ELSE 'column' END, 'schema', c.schema, 'relation', c.relname,
    'name', a.attname, 'inherited', h.inherited, 'reason', CASE WHEN pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')
        THEN 'row security hides statistics from this role' ELSE 'statistics take the privilege SELECT on it, or membership in pg_read_all_data' END)
  FROM own c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
 CROSS JOIN LATERAL (SELECT false AS inherited WHERE c.relkind <> 'p' UNION ALL SELECT true WHERE c.relhassubclass AND c.relkind <> 'i') h
 WHERE (c.relkind IN ('r', 'm', 'p', 'f') OR c.relkind = 'i' AND i.indkey[a.attnum - 1] = 0)
   AND (NOT pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT') OR c.relkind <> 'i' AND pg_catalog.row_security_active(c.oid))
   AND $1::pg_catalog.text IS NULL
 ORDER BY c.schema, c.relname, a.attnum)",
                       own_relations);
}

std::string unreadable_ranges_query() {
    return fmt::format(R"(WITH {}
SELECT pg_catalog.json_build_object('kind', 'histogram of ranges', 'schema', c.schema, 'relation', c.relname, 'name', a.attname, 'inherited', false,
    'reason', 'before PostgreSQL 17 only superusers see it')
  FROM own c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid AND t.typtype IN ('r', 'm')
 WHERE c.relkind IN ('r', 'm', 'p', 'f') AND $1::pg_catalog.text IS NULL ORDER BY c.schema, c.relname, a.attnum)",
                       own_relations);
}

std::string custom_statistics_query() {
    return fmt::format(R"(WITH {}
SELECT pg_catalog.json_build_object('kind', 'statistics of an extension', 'schema', c.schema, 'relation', c.relname, 'name', a.attname, 'inherited', s.stainherit,
    'reason', 'only the extension that made them can read them')
  FROM own c JOIN pg_catalog.pg_statistic s ON s.starelid = c.oid JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = s.staattnum
 WHERE greatest(s.stakind1, s.stakind2, s.stakind3, s.stakind4, s.stakind5) > 7 AND $1::pg_catalog.text IS NULL
 ORDER BY c.schema, c.relname, a.attnum)",
                       own_relations);
}

std::string unreadable_extended_query() {
    return R"(SELECT pg_catalog.json_build_object('kind', 'extended statistics', 'schema', n.nspname, 'relation', c.relname, 'name', e.stxname,
    'reason', 'only members of the role that owns the table see them')
  FROM pg_catalog.pg_statistic_ext e JOIN pg_catalog.pg_class c ON c.oid = e.stxrelid JOIN pg_catalog.pg_namespace n ON n.oid = e.stxnamespace
 WHERE n.nspname !~ '^pg_' AND NOT pg_catalog.pg_has_role(c.relowner, 'USAGE') AND $1::pg_catalog.text IS NULL
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_stats_ext v WHERE v.statistics_schemaname = n.nspname AND v.statistics_name = e.stxname)
 ORDER BY n.nspname, e.stxname)";
}

} // namespace dbperf::client::statistics
