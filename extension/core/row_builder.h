// One row, filled from left to right: the arguments of a statement, or a row that a function returns.
#pragma once

#include "core/pg.h"

#include <array>
#include <span>

#include "core/runs.h"

namespace dbperf::core {

class RowBuilder {
public:
    void add(Oid type, Datum value, bool is_null = false) {
        types_[count_] = type;
        values_[count_] = value;
        nulls_[count_] = is_null;
        ++count_;
    }
    void text(const char *value) { add(TEXTOID, value ? CStringGetTextDatum(value) : Datum{0}, value == nullptr); }
    void bigint(uint64 value, bool is_null = false) { add(INT8OID, Int64GetDatum(static_cast<int64>(value)), is_null); }
    void integer(int value, bool is_null = false) { add(INT4OID, Int32GetDatum(value), is_null); }
    void number(double value) { add(FLOAT8OID, Float8GetDatum(value)); }
    void milliseconds(uint64 nanoseconds) { add(FLOAT8OID, Float8GetDatum(static_cast<double>(nanoseconds) / 1e6)); }
    void boolean(bool value) { add(BOOLOID, BoolGetDatum(value)); }
    // Null if 0.
    void timestamp(TimestampTz value) { add(TIMESTAMPTZOID, TimestampTzGetDatum(value), value == 0); }
    void uuid(const pg_uuid_t &value) { add(UUIDOID, UUIDPGetDatum(&value)); }
    void oid(Oid value) { add(OIDOID, ObjectIdGetDatum(value)); }
    void json(const char *value) { add(JSONBOID, DirectFunctionCall1(jsonb_in, CStringGetDatum(value))); }
    void bigints(std::span<const uint64> values, bool is_null = false);
    void null() { add(TEXTOID, Datum{0}, true); }

    // What stored rows begin with; a run of zeros if there is none.
    void project();
    void run(const runs::Run *owner);

    void put(ReturnSetInfo *result);

    // Within SPI; the row is what $1, $2, ... of the statement are.
    void execute(const char *sql);
    // The first column of the one row that the statement returns.
    uint64 execute_returning(const char *sql);

private:
    std::array<Oid, 40> types_;
    std::array<Datum, 40> values_;
    std::array<bool, 40> nulls_;
    int count_ = 0;
};

} // namespace dbperf::core
