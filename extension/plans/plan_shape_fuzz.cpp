// One plan, printed in several ways, has one shape; any text and any depth come to an end.
#include "plans/plan_shape.h"

#include <fuzz/target.h>

#include <string>

#include "plans/plan_text_model.h"

using namespace dbperf::plans;

FUZZ_PART(plan_shape) {
    int room = 300;
    const model::PlanTextNode plan = model::plan_of(input, 0, room);
    const std::string text = model::print_plan(plan, {""});
    const uint64_t shape = plan_shape(text);
    FUZZ_CHECK_SHOWN(shape != 0, text);
    FUZZ_CHECK_SHOWN(plan_shape(model::print_plan(plan, {"\n \t\r"})) == shape, text);
    FUZZ_CHECK_SHOWN(plan_shape(model::print_plan(plan, {" ", true})) == shape, text);
    for (size_t cut = 0; cut < text.size() && cut < 64; ++cut)
        (void)plan_shape(std::string_view(text).substr(0, text.size() * cut / 64));
}

// Bytes, below so many nodes as the first two say.
FUZZ_PART(plan_shape_bytes) {
    const uint32_t depth = input.below(2000);
    const std::string_view rest = input.rest();
    (void)plan_shape(rest);
    std::string text = "{\"Plan\":";
    for (uint32_t i = 0; i < depth; ++i)
        text += "{\"Plans\":[";
    (void)plan_shape(text + std::string(rest));
}
