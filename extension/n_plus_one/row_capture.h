// The first rows that a statement sends to its client, as hashes of their key-like columns.
//
// There is no receiver of ours in front of the client's: its function is replaced for the first rows and put back, so
// that the rows after them cost nothing.
#pragma once

#include "core/pg.h"

#include <array>

#include "n_plus_one/repeated_lookup.h"
#include "lookups/value_type.h"

namespace dbperf::n_plus_one::row_capture {

constexpr int max_columns = 16;
constexpr int max_values = 4096;

using lookups::ValueType;

struct Column {
    int16 number; // in the output, from 1
    lookups::ValueType type;
};

struct Rows {
    int columns;
    int rows;      // remembered
    bool has_more; // than were remembered
    std::array<Column, max_columns> column;
    std::array<uint64, max_values> values; // row by row; 0: NULL or not a key
};
extern Rows rows;

// Begins with the rows that go to this destination; false when it is not the client's.
[[gnu::noinline]] bool begin(DestReceiver *destination);
// Puts the receiver back.
[[gnu::noinline]] void end(DestReceiver *destination);

} // namespace dbperf::n_plus_one::row_capture
