#include "database_pool/file_map.h"

#include <algorithm>

namespace dbperf::database_pool {
namespace {

bool comes_before(const MappedFile &a, const MappedFile &b) {
    return a.file != b.file ? a.file < b.file : a.space < b.space;
}

} // namespace

void link_files(std::span<MappedFile> files) {
    // By table first, the number's place being kept in `next` until the files are sorted by number.
    std::sort(files.begin(), files.end(), comes_before);
    for (uint32_t i = 0; i < files.size(); ++i)
        files[i].next = i;
    const auto by_table = [](const MappedFile &a, const MappedFile &b) {
        return a.table != b.table ? a.table < b.table : a.next < b.next;
    };
    std::sort(files.begin(), files.end(), by_table);
    for (size_t first = 0; first < files.size();) {
        size_t last = first;
        while (last + 1 < files.size() && files[last + 1].table == files[first].table)
            ++last;
        const uint32_t place_of_first = files[first].next;
        for (size_t i = first; i < last; ++i)
            files[i].next = files[i + 1].next;
        files[last].next = place_of_first;
        first = last + 1;
    }
    std::sort(files.begin(), files.end(), comes_before);
}

const MappedFile *find_file(std::span<const MappedFile> files, uint32_t space, uint32_t file) {
    MappedFile wanted{};
    wanted.file = file;
    wanted.space = space;
    const auto found = std::lower_bound(files.begin(), files.end(), wanted, comes_before);
    return found != files.end() && found->file == file && found->space == space ? &*found : nullptr;
}

} // namespace dbperf::database_pool
