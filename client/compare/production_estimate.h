// Owns what a migration would cost in production: what its statements did here, in the sizes of there, with rates that
// are measured here.
#pragma once

#include "migration/migration_effect.h"
#include "postgres/connection.h"

#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <vector>

namespace dbperf::client::compare {

struct RelationSize {
    double rows_here = 0, rows_there = 0;
    double bytes_here = 0, bytes_there = 0;
};

// Tables by the name that the server prints for them.
using ProductionSizes = std::map<std::string, RelationSize>;

ProductionSizes production_sizes(postgres::Connection &connection, const std::string &statistics);

// Of this server, with pages in memory.
struct Rates {
    double rows_read_ms = 0;     // rows a millisecond
    double bytes_written_ms = 0; // bytes of a table's file
    double rows_sorted_ms = 0;   // rows of an index that is built
};

Rates measure_rates(postgres::Connection &connection);

// One object a statement: rows and bytes read and written, WAL, the strongest lock and how long it would be held, as an
// interval. A disk that is slower than this one's memory is the upper end.
std::vector<nlohmann::ordered_json> estimate_statements(const migration::MigrationEffect &effect,
                                                        const ProductionSizes &sizes, const Rates &rates);

} // namespace dbperf::client::compare
