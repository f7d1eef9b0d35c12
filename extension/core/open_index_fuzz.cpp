// An index into bounded memory, against a map.
#include "core/open_index.h"

#include <fuzz/target.h>

#include <map>
#include <vector>

using namespace dbperf::core;

FUZZ_PART(open_index) {
    const uint32_t most = 1 + input.below(40);
    std::vector<uint32_t> slots(OpenIndex::slots_for(most));
    OpenIndex index(slots);
    std::map<uint64_t, uint32_t> known; // key: entry
    std::vector<uint64_t> keys(most);
    std::vector<uint32_t> unused;
    for (uint32_t i = most; i-- > 0;)
        unused.push_back(i);
    const auto hash_of = [](uint64_t key) { return key % 7 + (key % 3) * 0xfffffff9u; }; // many meet
    while (input.left() > 0) {
        const uint64_t key = input.byte();
        const auto is_key = [&](uint32_t entry) { return keys[entry] == key; };
        const uint32_t found = index.find(hash_of(key), is_key);
        FUZZ_CHECK(found == (known.contains(key) ? known[key] : OpenIndex::none));
        if (found != OpenIndex::none) {
            FUZZ_CHECK(index.erase(hash_of(key), found, [&](uint32_t entry) { return hash_of(keys[entry]); }));
            unused.push_back(found);
            known.erase(key);
        } else if (!unused.empty()) {
            known[key] = unused.back();
            keys[unused.back()] = key;
            index.insert(hash_of(key), unused.back());
            unused.pop_back();
        }
    }
}
