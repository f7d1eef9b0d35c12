// Plans that the server keeps, of any content.
#include "compare/plan_lines.h"

#include <fuzz/target.h>

using namespace dbperf::client::compare;

FUZZ_PART(plan_lines) {
    const std::string before(input.word()), after(input.rest());
    const std::vector<PlanLine> first = plan_lines(before), second = plan_lines(after);
    const std::vector<AlignedLine> aligned = align_plans(first, second);
    std::size_t from = 0, to = 0;
    for (const AlignedLine &line : aligned) {
        FUZZ_CHECK(line.before || line.after);
        if (line.before)
            FUZZ_CHECK(from < first.size() && line.before->text == first[from++].text);
        if (line.after)
            FUZZ_CHECK(to < second.size() && line.after->text == second[to++].text);
    }
    FUZZ_CHECK(from == first.size() && to == second.size());
    for (const AlignedLine &line : align_plans(first, first))
        FUZZ_CHECK(line.before && line.after && line.before->text == line.after->text);
}
