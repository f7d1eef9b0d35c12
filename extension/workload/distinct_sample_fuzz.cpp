// A sample of what is distinct, against a set.
#include "workload/distinct_sample.h"

#include <fuzz/target.h>

#include <set>
#include <vector>

using namespace dbperf::workload;

FUZZ_PART(distinct_sample) {
    struct Item {
        uint64_t hash;
    };
    std::vector<Item> room(1 + input.below(10));
    uint32_t count = 0;
    DistinctSample<Item> sample(room, &count);
    std::set<uint64_t> model;
    while (input.left() > 0) {
        const uint64_t hash = input.byte() & 63u;
        const bool known = sample.find(hash) != DistinctSample<Item>::none;
        FUZZ_CHECK(known == model.contains(hash));
        if (known && input.flag()) {
            sample.erase(hash);
            model.erase(hash);
        } else if (!known && sample.admits(hash)) {
            sample.insert({hash});
            model.insert(hash);
            if (model.size() > room.size())
                model.erase(std::prev(model.end()));
        }
        FUZZ_CHECK(count == model.size());
    }
}
