// See the header.
#include "server/pg.h"

#include "observe/last_execution.h"

namespace dbperf::last_execution {
namespace {

Observation last;
bool known = false;

} // namespace

void remember(const Observation &observation) {
    last = observation;
    known = true;
}

const Observation *get() {
    return known ? &last : nullptr;
}

} // namespace dbperf::last_execution
