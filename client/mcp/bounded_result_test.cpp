#include "mcp/bounded_result.h"

#include <gtest/gtest.h>

namespace dbperf::client::mcp {

namespace {

using Json = nlohmann::ordered_json;

TEST(BoundedResult, small_ones_are_whole) {
    KeptResults kept(1000);
    EXPECT_EQ(kept.bounded({{"a", 1}}), R"({"a":1})");
}

Json large() {
    Json result = {{"run", "main"}, {"findings", Json::array()}};
    for (int i = 0; i < 500; ++i)
        result["findings"].push_back({{"id", i}, {"query", "SELECT " + std::to_string(i)}});
    return result;
}

TEST(BoundedResult, what_is_left_off_is_named_and_can_be_had) {
    KeptResults kept(4000);
    const std::string text = kept.bounded(large());
    EXPECT_LE(text.size(), 4000U);
    const Json shown = Json::parse(text);
    EXPECT_EQ(shown["run"], "main");
    std::size_t had = shown["findings"].size();
    EXPECT_GT(had, 10U);
    EXPECT_EQ(shown["left_off"][0], Json({{"at", "/findings"}, {"shown", had}, {"of", 500}}));
    while (had < 500) {
        const Json more = Json::parse(kept.more(shown["result"], "/findings", had).value());
        EXPECT_EQ(more["elements"][0]["id"], had);
        had += more["elements"].size();
        EXPECT_EQ(more["next"], had < 500 ? Json(had) : Json());
    }
}

TEST(BoundedResult, a_long_text) {
    KeptResults kept(2000);
    std::string text;
    for (int i = 0; i < 3000; ++i)
        text += "\xc3\xa4\"";
    const Json shown = Json::parse(kept.bounded({{"query", text}, {"kind", "slow_query"}}));
    EXPECT_EQ(shown["kind"], "slow_query");
    EXPECT_EQ(shown["left_off"][0]["of"], text.size());
    std::string read;
    for (Json next = 0; !next.is_null();) {
        const std::string part = kept.more(shown["result"], "/query", next).value();
        EXPECT_LE(part.size(), 2000U);
        const Json more = Json::parse(part);
        read += more["text"].get<std::string>();
        next = more["next"];
    }
    EXPECT_EQ(read, text);
}

TEST(BoundedResult, no_such_place) {
    KeptResults kept(500);
    const std::string id = Json::parse(kept.bounded(large()))["result"];
    for (const char *at : {"/nothing", "findings", "/findings/900", "/findings/-", "/findings/x", "~", "/run/x"})
        EXPECT_FALSE(kept.more(id, at, 0)) << at;
    EXPECT_FALSE(kept.more("r99", "/findings", 0));
    EXPECT_TRUE(kept.more(id, "", 0));
    EXPECT_EQ(Json::parse(kept.more(id, "/findings", 100000).value())["elements"].size(), 0U);
}

TEST(BoundedResult, the_oldest_are_forgotten) {
    KeptResults kept(500);
    const std::string first = Json::parse(kept.bounded(large()))["result"];
    for (int i = 0; i < 20; ++i)
        kept.bounded(large());
    EXPECT_FALSE(kept.more(first, "/findings", 0));
}

} // namespace
} // namespace dbperf::client::mcp
