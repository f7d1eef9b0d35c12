// Any order of events, beyond what is remembered too: reports never count an execution twice or one that was not.
#include "n_plus_one/repeated_lookup.h"

#include <algorithm>

#include <fuzz/target.h>

using namespace dbperf::n_plus_one;

namespace {

LookupOrigin origin_of(fuzz::Input &input, uint32_t newest) {
    LookupOrigin origin{};
    const uint32_t what = input.byte();
    origin.producer = 1 + (what & 1u);
    origin.relation = what >> 1 & 1u;
    origin.column = static_cast<int16_t>(what >> 2 & 3u);
    origin.key = what >> 4 & 1u;
    origin.all_values = (what & 32u) == 0;
    origin.is_foreign = (what & 64u) != 0;
    origin.is_outside = origin.is_foreign;
    origin.root = newest - input.below(3);
    origin.serial = (what & 128u) != 0 ? input.number<uint32_t>() : origin.root + input.below(4);
    origin.row = input.number<uint16_t>();
    origin.values = input.number<uint16_t>();
    return origin;
}

} // namespace

FUZZ_PART(repeated_lookup) {
    static RepeatedLookup lookup;
    const uint32_t threshold = 1 + input.below(12);
    const auto unit = static_cast<UnitKind>(input.below(6));
    uint32_t newest = input.number<uint32_t>();
    lookup.begin(1, threshold, unit);
    uint64_t calls = 0, exec = 0, reported = 0, reported_exec = 0;
    const auto take = [&](const LookupReport &said) {
        FUZZ_CHECK((said.confidence == Confidence::none) == (said.growth.calls == 0));
        reported += said.growth.calls;
        reported_exec += said.growth.exec;
        FUZZ_CHECK(reported <= calls && reported_exec <= exec);
        FUZZ_CHECK(said.loop >= said.growth.calls && said.loop <= calls && said.distinct <= said.loop);
        FUZZ_CHECK(said.edge >= -1 && said.edge < lookup.edge_count);
        FUZZ_CHECK(said.kind != LookupKind::server_loop || unit == UnitKind::server);
        return said.confidence != Confidence::none;
    };
    const auto report = [&](bool is_last) {
        for (int edge; (edge = lookup.undecided_edge()) >= 0;)
            lookup.edges[static_cast<size_t>(edge)].related = input.flag() ? Relation::related : Relation::none;
        const LookupReport said = lookup.report(is_last);
        FUZZ_CHECK(lookup.next_check > lookup.work.calls);
        FUZZ_CHECK(lookup.next_check <= calls + std::max<uint64_t>(threshold, calls / 32));
        return take(said);
    };
    const auto report_all = [&](bool is_last) {
        while (report(is_last))
            ;
    };
    while (input.left() > 0) {
        const uint32_t what = input.byte();
        newest += (what & 7u) == 0;
        // The same execution many times over: counters come to their ends.
        for (uint32_t times = (what & 8u) != 0 ? 1 + input.byte() : 1; times > 0; --times) {
            if ((what & 16u) != 0)
                lookup.trace(origin_of(input, newest));
            const uint32_t took = 1 + (what & 3u);
            ++calls;
            exec += took;
            const bool due = lookup.count(took, 0);
            const uint64_t key =
                (what & 32u) != 0 ? calls * 0x9e3779b97f4a7c15u | 1 : uint64_t{1 + input.below(3)} << 32;
            if (lookup.add_key(key) == Novelty::repeated)
                lookup.add_repeat(key, input.below(3));
            if (due || (what & 64u) != 0)
                report_all(false);
        }
        if ((what & 128u) == 0)
            continue;
        // What else happens between executions.
        switch (input.below(6)) {
        case 0:
            lookup.forget_repeats();
            break;
        case 1:
            lookup.skip_report();
            break;
        case 2:
            report_all(true);
            break;
        case 3: {
            const LookupReport judged = lookup.judge();
            take(judged);
            lookup.accept(judged);
            break;
        }
        default:
            break;
        }
    }
    FUZZ_CHECK(lookup.work.calls == calls && lookup.distinct <= calls);
    report_all(true);
    FUZZ_CHECK(lookup.judge().growth.calls == 0);
}
