#include "core/pg.h"

#include "statements/last_execution.h"

#include <array>

namespace dbperf::statements::last_execution {
namespace {

Observation last;
uint64 number = 0; // of the executions so far
char *unused = nullptr;
char *unused_wal = nullptr;

const char *show() {
    static std::array<char, 256> text;
    if (number == 0)
        return "";
    const Usage &usage = last.usage;
    snprintf(text.data(), text.size(),
             "{\"number\": " UINT64_FORMAT ", \"exec_ms\": %.6f, \"rows\": " UINT64_FORMAT
             ", \"shared_blks\": " INT64_FORMAT ", \"temp_blks\": " INT64_FORMAT ", \"wal_bytes\": " UINT64_FORMAT "}",
             number, static_cast<double>(last.elapsed) / 1e6, last.rows, usage.shared_blks_hit + usage.shared_blks_read,
             usage.temp_blks_read + usage.temp_blks_written, usage.wal_bytes);
    return text.data();
}

const char *show_wal() {
    static std::array<char, 24> text;
    snprintf(text.data(), text.size(), UINT64_FORMAT, static_cast<uint64>(pgWalUsage.wal_bytes));
    return text.data();
}

} // namespace

void install() {
    DefineCustomStringVariable(
        "dbperf.last_execution", "Shows what the last statement of this session in a run took, as JSON.", nullptr,
        &unused, "", PGC_INTERNAL, GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE, nullptr, nullptr, show);
    DefineCustomStringVariable("dbperf.session_wal", "Shows how many bytes of WAL this session has written.", nullptr,
                               &unused_wal, "", PGC_INTERNAL,
                               GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE, nullptr, nullptr, show_wal);
}

void remember(const Observation &observation) {
    last = observation;
    ++number;
}

} // namespace dbperf::statements::last_execution
