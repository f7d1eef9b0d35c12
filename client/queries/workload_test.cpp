#include "queries/workload.h"

#include <gtest/gtest.h>

namespace dbperf::client::queries {
namespace {

TEST(CapturedName, text_on_one_line) {
    EXPECT_EQ(captured_name("SELECT 1\n  FROM t", 1, false), "SELECT 1   FROM t");
    EXPECT_EQ(captured_name("look_up", 0x12345678, true), "look_up [12345678]");
}

TEST(CapturedName, long_text_is_cut_between_characters) {
    const std::string text = std::string(99, 'x') + "\u00e4\u00e4\u00e4 and more";
    const std::string name = captured_name(text, -1, false);
    EXPECT_EQ(name, std::string(99, 'x') + "... [ffffffff]");
    EXPECT_LE(captured_name(std::string(500, 'x'), -1, true).size(), 127U);
}

} // namespace
} // namespace dbperf::client::queries
