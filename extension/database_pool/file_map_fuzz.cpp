// Which file is which, against sets.
#include "database_pool/file_map.h"

#include <fuzz/target.h>

#include <set>
#include <tuple>
#include <vector>

using namespace dbperf::database_pool;

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
