// Numbers as people write them, and texts that do not fit.
#include "core/text_writer.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string>

using dbperf::core::TextWriter;

namespace {

std::string count(double value) {
    std::array<char, 40> memory;
    return std::string(TextWriter(memory).add_count(value).text());
}

std::string cut(std::string_view text, size_t size) {
    std::string memory(size, '#');
    return std::string(TextWriter(memory).add(text).add("more").text());
}

} // namespace

TEST(text_writer, counts_have_commas) {
    EXPECT_EQ(count(0), "0");
    EXPECT_EQ(count(999.4), "999");
    EXPECT_EQ(count(999.5), "1,000");
    EXPECT_EQ(count(1204), "1,204");
    EXPECT_EQ(count(1000000), "1,000,000");
    EXPECT_EQ(count(123456789), "123,456,789");
    EXPECT_EQ(count(-5), "0");
    EXPECT_EQ(count(1e30), "1,000,000,000,000,000,000");
    EXPECT_EQ(count(std::nan("")), "0");
}

TEST(text_writer, text_is_cut_between_characters) {
    EXPECT_EQ(cut("abc", 5), "abcmo");
    EXPECT_EQ(cut("a\u00e9\u00e9", 4), "a\u00e9"); // two bytes each
    EXPECT_EQ(cut("a\u00e9\u00e9", 5), "a\u00e9\u00e9");
    EXPECT_EQ(cut("a\U0001f600", 4), "a"); // four bytes
    EXPECT_EQ(cut("abc", 0), "");
}

TEST(text_writer, escapes_are_resolved) {
    std::array<char, 40> memory;
    EXPECT_EQ(TextWriter(memory).add_unescaped(R"(a\"b\\c\u0041)").text(), R"(a"b\c\u0041)");
    EXPECT_EQ(TextWriter(memory).add_unescaped("a\\").text(), "a\\");
}
