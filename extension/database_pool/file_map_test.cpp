#include "database_pool/file_map.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

using namespace dbperf::database_pool;

namespace {

MappedFile file(uint32_t number, uint32_t table, FileKind kind, uint32_t space = 1) {
    return {number, space, table, number, 0, kind, false, 0};
}

std::set<uint32_t> indexes(const std::vector<MappedFile> &files, uint32_t space, uint32_t number) {
    const MappedFile *found = find_file(files, space, number);
    EXPECT_NE(found, nullptr);
    std::set<uint32_t> numbers;
    if (found)
        visit_indexes(files, *found, [&](const MappedFile &index) { EXPECT_TRUE(numbers.insert(index.file).second); });
    return numbers;
}

} // namespace

TEST(file_map, finds_files_and_the_indexes_of_their_table) {
    std::vector<MappedFile> files{file(30, 7, FileKind::btree),     file(10, 7, FileKind::table),
                                  file(40, 9, FileKind::table),     file(20, 7, FileKind::index),
                                  file(50, 11, FileKind::sequence), file(10, 12, FileKind::table, 2)};
    link_files(files);
    for (const uint32_t number : {10u, 20u, 30u})
        EXPECT_EQ(indexes(files, 1, number), (std::set<uint32_t>{20, 30}));
    EXPECT_TRUE(indexes(files, 1, 40).empty());
    EXPECT_TRUE(indexes(files, 1, 50).empty());
    EXPECT_TRUE(indexes(files, 2, 10).empty());
    EXPECT_EQ(find_file(files, 2, 40), nullptr);
    EXPECT_EQ(find_file(files, 1, 11), nullptr);
    EXPECT_EQ(find_file({}, 1, 11), nullptr);
}

TEST(file_map, links_many_tables) {
    std::mt19937 random(3);
    std::vector<MappedFile> files;
    std::vector<std::set<uint32_t>> of_table(50);
    for (uint32_t number = 1; number <= 400; ++number) {
        const uint32_t table = random() % 50;
        const bool is_index = random() % 3 != 0;
        files.push_back(file(number * 7919 % 100003, table, is_index ? FileKind::btree : FileKind::table));
        if (is_index)
            of_table[table].insert(files.back().file);
    }
    link_files(files);
    for (const MappedFile &each : files)
        EXPECT_EQ(indexes(files, 1, each.file), of_table[each.table]);
}
