#include "terminal/visible.h"

#include <gtest/gtest.h>

namespace dbperf::client::terminal {
namespace {

TEST(Visible, WhatCanBeSeenStays) {
    EXPECT_EQ(visible("SELECT 'größe', \"日本\" -- \xF0\x9F\x90\x98\n\tFROM a"),
              "SELECT 'größe', \"日本\" -- \xF0\x9F\x90\x98\n\tFROM a");
    EXPECT_EQ(visible(""), "");
}

TEST(Visible, WhatIsHiddenIsSpelledOut) {
    EXPECT_EQ(visible("a\033[31m\r\a"), "a\\u{1b}[31m\\u{d}\\u{7}");
    EXPECT_EQ(visible(std::string_view("a\0b", 3)), "a\\u{0}b");
    EXPECT_EQ(visible("a\u202Eb\u2066c\u200Fd\uFEFF\u200B"), "a\\u{202e}b\\u{2066}c\\u{200f}d\\u{feff}\\u{200b}");
    EXPECT_EQ(visible("\u2028\u0085\uFFFE\uFFFF"), "\\u{2028}\\u{85}\\u{fffe}\\u{ffff}");
}

TEST(Visible, BrokenBytesAreReplaced) {
    EXPECT_EQ(visible("a\xFFz"), "a\uFFFDz");
    EXPECT_EQ(visible("\xC3"), "\uFFFD");                          // cut
    EXPECT_EQ(visible("\xC0\xAF"), "\uFFFD\uFFFD");                // overlong
    EXPECT_EQ(visible("\xE0\x80\xAF"), "\uFFFD\uFFFD\uFFFD");      // overlong
    EXPECT_EQ(visible("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");      // surrogate
    EXPECT_EQ(visible("\xF4\x90\x80\x80").substr(0, 3), "\uFFFD"); // above the last
    EXPECT_EQ(visible("\xE2\x82x"), "\uFFFD\uFFFDx");
}

TEST(VisibleLine, IsOneLineAndCut) {
    EXPECT_EQ(visible_line("a\n  b\u202Ec", 40), "a b\\u{202e}c");
    EXPECT_EQ(visible_line("abcdefghij", 8), "abcde...");
}

} // namespace
} // namespace dbperf::client::terminal
