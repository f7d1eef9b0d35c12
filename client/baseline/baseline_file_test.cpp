#include "baseline/baseline_file.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace dbperf::client::baseline {
namespace {

TEST(BaselineText, members_sorted_and_lists_of_numbers_on_one_line) {
    const auto value =
        nlohmann::json::parse(R"({"b": [1, 2.5, -3], "a": {"y": "x\ny", "x": null}, "c": [{"k": []}, {}]})");
    EXPECT_EQ(baseline_text(value), "{\n"
                                    " \"a\": {\n"
                                    "  \"x\": null,\n"
                                    "  \"y\": \"x\\ny\"\n"
                                    " },\n"
                                    " \"b\": [1,2.5,-3],\n"
                                    " \"c\": [\n"
                                    "  {\n"
                                    "   \"k\": []\n"
                                    "  },\n"
                                    "  {}\n"
                                    " ]\n"
                                    "}\n");
}

TEST(BaselineText, reading_and_writing_again_changes_nothing) {
    const std::string text =
        R"({"big": 9223372036854775807, "small": -9223372036854775808, "cost": 8.30, "tiny": 1e-7, "sum": 0.30000000000000004, "far": 1e300, "text": "ä \" \\ €"})";
    const auto value = nlohmann::json::parse(text);
    const std::string once = baseline_text(value);
    EXPECT_EQ(nlohmann::json::parse(once), value);
    EXPECT_EQ(baseline_text(nlohmann::json::parse(once)), once);
    EXPECT_NE(once.find("9223372036854775807"), std::string::npos);
    EXPECT_NE(once.find("ä"), std::string::npos);
}

} // namespace
} // namespace dbperf::client::baseline
