#include "compare/production_estimate.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>

namespace dbperf::client::compare {
using namespace migration;
using namespace postgres;

namespace {

// Bytes a millisecond of a disk that nobody would call fast: 80 MB/s. What is read and written goes there at worst.
constexpr double slow_disk = 80e3;
// This machine and that one differ, and so does what else they do.
constexpr double faster_there = 0.5;
constexpr double slower_there = 3;

double factor(double here, double there) {
    return here > 0 ? there / here : there > 0 ? 1 : 0;
}

// By how much a table's rows are more there; 1 for what is not known there.
const RelationSize *size_of(const ProductionSizes &sizes, const std::string &table) {
    const auto found = sizes.find(table);
    return found == sizes.end() ? nullptr : &found->second;
}

struct Work {
    double rows_read = 0, rows_changed = 0, bytes_read = 0, bytes_written = 0, index_rows = 0, scale = 1;
};

Work work_of(const AppliedStatement &statement, const ProductionSizes &sizes) {
    Work work;
    std::set<std::string> read;
    for (const TableWork &each : statement.work) {
        const RelationSize *size = size_of(sizes, each.table);
        const double more = size ? factor(size->rows_here, size->rows_there) : 1;
        work.rows_read += static_cast<double>(each.rows_read) * more;
        work.rows_changed += static_cast<double>(each.rows_changed) * more;
        work.scale = std::max(work.scale, more);
        if (size && each.scans > 0 && read.insert(each.table).second)
            work.bytes_read += size->bytes_there * static_cast<double>(each.scans);
    }
    for (const ChangedFile &file : statement.files) {
        const RelationSize *size = size_of(sizes, file.table);
        const double more = size ? factor(size->rows_here, size->rows_there) : 1;
        work.scale = std::max(work.scale, more);
        if (file.change == FileChange::emptied)
            continue;
        work.bytes_written += static_cast<double>(file.bytes) * more;
        if (file.is_index)
            work.index_rows += size ? size->rows_there : 0;
        if (size && read.insert(file.table).second) {
            work.bytes_read += size->bytes_there;
            work.rows_read = std::max(work.rows_read, size->rows_there);
        }
    }
    return work;
}

// A sort of more rows takes more a row: n log n, from what was measured with a hundred thousand.
double sort_ms(double rows, const Rates &rates) {
    constexpr double measured_rows = 1e5;
    const double depth = std::log2(std::max(rows, 2.0)) / std::log2(measured_rows);
    return rates.rows_sorted_ms > 0 ? rows / rates.rows_sorted_ms * std::max(depth, 0.1) : 0;
}

const TableLock *strongest(const AppliedStatement &statement) {
    const auto found = std::max_element(statement.locks.begin(), statement.locks.end(),
                                        [](const TableLock &left, const TableLock &right) {
                                            return lock_strength(left.mode) < lock_strength(right.mode);
                                        });
    return found == statement.locks.end() ? nullptr : &*found;
}

} // namespace

ProductionSizes production_sizes(Connection &connection, const std::string &statistics) {
    const Result found =
        connection.execute("SELECT c.oid::pg_catalog.regclass::pg_catalog.text AS name, n.nspname || '.' || c.relname "
                           "AS full_name, c.relname,"
                           " c.reltuples AS rows_here, pg_catalog.pg_relation_size(c.oid) AS bytes_here,"
                           " (o.data ->> 'rows')::pg_catalog.float8 AS rows_there,"
                           " (o.data ->> 'current_pages')::pg_catalog.float8 * 8192 AS bytes_there"
                           " FROM dbperf.statistics_object o JOIN pg_catalog.pg_class c ON c.oid = o.bound_to"
                           " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                           " WHERE o.name = $1 AND o.kind = 'relation' AND c.relkind IN ('r', 'm')",
                           {statistics});
    ProductionSizes sizes;
    for (int row = 0; row < found.rows(); ++row) {
        const RelationSize size{std::max(found.number(row, "rows_here").value_or(0), 0.0),
                                std::max(found.number(row, "rows_there").value_or(0), 0.0),
                                found.number(row, "bytes_here").value_or(0),
                                found.number(row, "bytes_there").value_or(0)};
        for (const char *column : {"name", "full_name", "relname"})
            sizes.emplace(found.text(row, column), size);
    }
    return sizes;
}

Rates measure_rates(Connection &connection) {
    constexpr double rows = 1e5;
    const auto measured = [&connection](const char *sql) {
        const auto begin = std::chrono::steady_clock::now();
        connection.execute(sql);
        return std::max(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count(),
                        0.01);
    };
    Rates rates;
    connection.execute("SET synchronous_commit = off");
    const double write =
        measured("CREATE TABLE pg_temp.dbperf_rates AS SELECT g AS id, pg_catalog.md5(g::pg_catalog.text) AS filler"
                 " FROM pg_catalog.generate_series(1, 100000) g");
    const double bytes = connection.execute("SELECT pg_catalog.pg_relation_size('pg_temp.dbperf_rates') AS bytes")
                             .number(0, "bytes")
                             .value_or(0);
    const double read = measured("SELECT pg_catalog.count(*) FROM pg_temp.dbperf_rates WHERE id > 0");
    const double sort = measured("CREATE INDEX ON pg_temp.dbperf_rates (filler)");
    connection.execute("DROP TABLE pg_temp.dbperf_rates");
    rates.rows_read_ms = rows / read;
    rates.bytes_written_ms = bytes / write;
    rates.rows_sorted_ms = rows / sort;
    return rates;
}

std::vector<nlohmann::ordered_json> estimate_statements(const MigrationEffect &effect, const ProductionSizes &sizes,
                                                        const Rates &rates) {
    std::vector<nlohmann::ordered_json> estimates;
    for (const AppliedStatement &statement : effect.statements) {
        const Work work = work_of(statement, sizes);
        const double wal = static_cast<double>(statement.wal_bytes) * work.scale;
        const double busy = work.rows_read / std::max(rates.rows_read_ms, 1e-9) +
                            work.bytes_written / std::max(rates.bytes_written_ms, 1e-9) +
                            sort_ms(work.index_rows, rates);
        // What takes its time whatever the size was measured here.
        const double fixed = work.scale > 1 ? statement.ms / work.scale : statement.ms;
        const double low = fixed + busy * faster_there;
        const double high =
            statement.ms + busy * slower_there + (work.bytes_read + work.bytes_written + wal) / slow_disk;
        const TableLock *lock = strongest(statement);
        estimates.push_back({{"file", statement.file},
                             {"line", statement.line},
                             {"rows_read", std::round(work.rows_read)},
                             {"rows_changed", std::round(work.rows_changed)},
                             {"bytes_read", std::round(work.bytes_read)},
                             {"bytes_written", std::round(work.bytes_written)},
                             {"wal_bytes", std::round(wal)},
                             {"lock", lock ? nlohmann::ordered_json(lock_words(lock->mode)) : nlohmann::ordered_json()},
                             {"locked", lock ? nlohmann::ordered_json(lock->table) : nlohmann::ordered_json()},
                             {"ms_low", low},
                             {"ms_high", std::max(low, high)}});
    }
    // A lock is held to the end of its transaction, which a file is.
    double low = 0;
    double high = 0;
    for (std::size_t i = estimates.size(); i-- > 0;) {
        if (i + 1 == estimates.size() || estimates[i].at("file") != estimates[i + 1].at("file"))
            low = high = 0;
        low += estimates[i].at("ms_low").get<double>();
        high += estimates[i].at("ms_high").get<double>();
        estimates[i]["held_ms_low"] = low;
        estimates[i]["held_ms_high"] = high;
    }
    return estimates;
}

} // namespace dbperf::client::compare
