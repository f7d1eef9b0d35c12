// The longer ones, and those that talk to SPI.
#include "core/pg.h"

#include "core/row_builder.h"

#include "core/settings.h"

namespace dbperf::core {

void RowBuilder::bigints(std::span<const uint64> values, bool is_null) {
    if (is_null) {
        add(INT8ARRAYOID, Datum{0}, true);
        return;
    }
    Datum *elements = static_cast<Datum *>(palloc(sizeof(Datum) * values.size() + 1));
    for (size_t i = 0; i < values.size(); ++i)
        elements[i] = Int64GetDatum(static_cast<int64>(values[i]));
    add(INT8ARRAYOID, PointerGetDatum(construct_array(elements, static_cast<int>(values.size()), INT8OID, sizeof(int64),
                                                      true, TYPALIGN_DOUBLE)));
}

void RowBuilder::project() {
    text(settings::project ? settings::project : "");
}

void RowBuilder::run(const runs::Run *owner) {
    static const pg_uuid_t none{};
    uuid(owner ? owner->uuid : none);
}

void RowBuilder::put(ReturnSetInfo *result) {
    tuplestore_putvalues(result->setResult, result->setDesc, values_.data(), nulls_.data());
}

void RowBuilder::execute(const char *sql) {
    std::array<char, 40> nulls;
    for (int i = 0; i < count_; ++i)
        nulls[static_cast<size_t>(i)] = nulls_[static_cast<size_t>(i)] ? 'n' : ' ';
    const int code = SPI_execute_with_args(sql, count_, types_.data(), values_.data(), nulls.data(), false, 0);
    if (code < 0)
        elog(ERROR, "could not execute \"%s\": %s", sql, SPI_result_code_string(code));
}

uint64 RowBuilder::execute_returning(const char *sql) {
    execute(sql);
    bool is_null = true;
    const Datum value =
        SPI_processed == 1 ? SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null) : Datum{0};
    if (is_null)
        elog(ERROR, "\"%s\" returned nothing", sql);
    return static_cast<uint64>(DatumGetInt64(value));
}

} // namespace dbperf::core
