// Keeps the parameters of statements in runs, with the text to execute them again. Only where dbperf.keep_parameters is
// on: values are the application's data.
#pragma once

#include "statements/execution.h"

namespace dbperf::workload {

enum class ParametersLeftOut : uint32 { kept, too_long, unreadable };

// What precedes the texts of a parameters event: search path, settings (captured_role::append_settings) and statement,
// then parameter_text.
struct ParametersRecord {
    uint64 fingerprint;
    uint64 name;
    uint64 hash;
    ParametersLeftOut left_out; // nothing but this record then
    uint32 path_length;
    uint32 settings_length;
    uint32 statement_length;
    uint32 parameters;
    uint32 unused;
};
static_assert(std::is_trivially_copyable_v<ParametersRecord>);

namespace parameter_capture {

// Longer statements and values, all of one execution together, are left out.
constexpr size_t max_bytes = 16384;

// After the execution of a query that the client sent, in a run.
void consider(const statements::Execution &execution, uint64 name);

} // namespace parameter_capture
} // namespace dbperf::workload
