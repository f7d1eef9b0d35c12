// Steps of cycles that the server keeps, of any content.
#include "reports/deadlock_story.h"

#include <fuzz/target.h>

using namespace dbperf::client::reports;

FUZZ_PART(cycle_steps) {
    (void)parse_cycle_steps(std::string(input.rest()));
}
