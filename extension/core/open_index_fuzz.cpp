// What lives in bounded memory, against the containers of the library.
#include "core/open_index.h"

#include <fuzz/target.h>

#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "database_pool/file_map.h"
#include "n_plus_one/lineage_board.h"
#include "workload/distinct_sample.h"

using namespace dbperf::core;
using namespace dbperf::n_plus_one;
using namespace dbperf::workload;
using namespace dbperf::database_pool;

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

FUZZ_PART(file_map) {
    std::vector<MappedFile> files;
    std::set<std::pair<uint32_t, uint32_t>> places;
    while (input.left() > 0 && files.size() < 200) {
        MappedFile file{};
        file.space = input.below(3);
        file.file = input.below(64);
        file.table = input.below(16);
        file.kind = static_cast<FileKind>(input.below(4));
        if (places.insert({file.space, file.file}).second)
            files.push_back(file);
    }
    std::multiset<std::tuple<uint32_t, uint32_t, uint32_t>> indexes; // by table
    for (const MappedFile &file : files)
        if (file.kind == FileKind::btree || file.kind == FileKind::index)
            indexes.insert({file.table, file.space, file.file});
    link_files(files);
    for (uint32_t space = 0; space < 3; ++space)
        for (uint32_t number = 0; number < 64; ++number) {
            const MappedFile *found = find_file(files, space, number);
            FUZZ_CHECK((found != nullptr) == places.contains({space, number}));
            if (!found)
                continue;
            std::multiset<std::tuple<uint32_t, uint32_t, uint32_t>> visited, wanted;
            visit_indexes(files, *found, [&](const MappedFile &each) {
                FUZZ_CHECK(visited.size() < files.size());
                visited.insert({each.table, each.space, each.file});
            });
            for (const auto &each : indexes)
                if (std::get<0>(each) == found->table)
                    wanted.insert(each);
            FUZZ_CHECK(visited == wanted);
        }
}

// What is found was entered, and by that key; what was entered last is found.
FUZZ_PART(lineage_board) {
    std::vector<BoardSlot> slots(LineageBoard::buckets_in(0) * LineageBoard::ways);
    LineageBoard board(slots.data(), LineageBoard::buckets_in(0));
    std::set<std::tuple<uint64_t, uint32_t, uint8_t, uint8_t, uint16_t>> entered;
    uint32_t serial = input.number<uint32_t>();
    while (input.left() > 0) {
        const uint32_t what = input.byte();
        const uint64_t key = board_key(input.byte() & 31u, 1);
        serial += (what & 1u);
        serial += serial == 0;
        const ValueReference reference{serial, static_cast<uint16_t>(what), static_cast<uint8_t>(what >> 1 & 7u),
                                       static_cast<uint8_t>(what >> 4 & 3u)};
        const bool is_new = board.put(key, reference);
        entered.insert({key, serial, reference.column, reference.statement, reference.row});
        std::array<ValueReference, LineageBoard::most_found> found{};
        const size_t count = board.find(key, &found);
        FUZZ_CHECK(count <= LineageBoard::most_found && board.knows(key) && (count > 0 || is_new));
        for (size_t i = 0; i < count; ++i) {
            FUZZ_CHECK(entered.contains({key, found[i].serial, found[i].column, found[i].statement, found[i].row}));
            FUZZ_CHECK(i == 0 || found[i - 1].column <= found[i].column);
        }
    }
}
