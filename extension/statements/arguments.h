// What every row that the recorder writes is made of: the arguments of its statement, and the names in it.
#pragma once

#include "core/pg.h"

#include <array>

#include "core/runs.h"
#include "core/settings.h"
#include "statements/statement_table.h"

namespace dbperf::statements {

// Arguments of one statement, in order.
class Arguments {
public:
    void add(Oid type, Datum value, bool is_null = false) {
        types_[count_] = type;
        values_[count_] = value;
        nulls_[count_] = is_null ? 'n' : ' ';
        ++count_;
    }
    void text(const char *value) { add(TEXTOID, value ? CStringGetTextDatum(value) : Datum{0}, value == nullptr); }
    void bigint(uint64 value) { add(INT8OID, Int64GetDatum(static_cast<int64>(value))); }
    void integer(int value) { add(INT4OID, Int32GetDatum(value)); }
    void milliseconds(uint64 nanoseconds) { add(FLOAT8OID, Float8GetDatum(static_cast<double>(nanoseconds) / 1e6)); }
    void boolean(bool value) { add(BOOLOID, BoolGetDatum(value)); }
    void timestamp(TimestampTz value) { add(TIMESTAMPTZOID, TimestampTzGetDatum(value), value == 0); }
    void uuid(const pg_uuid_t &value) { add(UUIDOID, UUIDPGetDatum(&value)); }

    void project() { text(core::settings::project ? core::settings::project : ""); }
    void run(const core::runs::Run *owner) {
        static const pg_uuid_t none{};
        uuid(owner ? owner->uuid : none);
    }
    void usage(const Usage &usage) {
        bigint(static_cast<uint64>(usage.shared_blks_hit));
        bigint(static_cast<uint64>(usage.shared_blks_read));
        bigint(static_cast<uint64>(usage.shared_blks_dirtied));
        bigint(static_cast<uint64>(usage.shared_blks_written));
        bigint(static_cast<uint64>(usage.temp_blks_read));
        bigint(static_cast<uint64>(usage.temp_blks_written));
        bigint(usage.wal_bytes);
    }

    void execute(const char *sql) {
        const int code = SPI_execute_with_args(sql, count_, types_.data(), values_.data(), nulls_.data(), false, 0);
        if (code < 0)
            elog(ERROR, "could not execute \"%s\": %s", sql, SPI_result_code_string(code));
    }

    // The first column of the one row that the statement returns.
    uint64 execute_returning(const char *sql) {
        execute(sql);
        bool is_null = true;
        const Datum value =
            SPI_processed == 1 ? SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null) : Datum{0};
        if (is_null)
            elog(ERROR, "\"%s\" returned nothing", sql);
        return static_cast<uint64>(DatumGetInt64(value));
    }

private:
    std::array<Oid, 40> types_;
    std::array<Datum, 40> values_;
    std::array<char, 40> nulls_;
    int count_ = 0;
};

// Databases and roles may be gone by the time they are written about.
const char *database_name(Oid database);
const char *role_name(Oid role);
// Stores the text of a statement if it is not stored and still known.
void store_query_text(uint64 fingerprint);
// Null without.
const char *query_name(uint64 name);

} // namespace dbperf::statements
