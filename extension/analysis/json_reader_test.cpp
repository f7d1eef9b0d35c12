// Reads what EXPLAIN prints and survives what it never prints.
#include "analysis/json_reader.h"

#include <gtest/gtest.h>

using namespace dbperf;

TEST(json_reader, walks_objects_and_arrays) {
    JsonReader reader(R"({"a": "x \"y\"", "b": [1, -2.5e3, {"c": null}], "d": true})");
    std::string_view key, raw;
    ASSERT_TRUE(reader.enter('{'));
    ASSERT_TRUE(reader.next_key(&key));
    EXPECT_EQ(key, "a");
    ASSERT_TRUE(reader.skip_value(&raw));
    EXPECT_EQ(unquoted(raw), R"(x \"y\")");
    ASSERT_TRUE(reader.next_key(&key));
    ASSERT_TRUE(reader.enter('['));
    int elements = 0;
    while (reader.next_element()) {
        ASSERT_TRUE(reader.skip_value(&raw));
        ++elements;
    }
    EXPECT_EQ(elements, 3);
    EXPECT_EQ(raw, R"({"c": null})");
    ASSERT_TRUE(reader.next_key(&key));
    EXPECT_EQ(key, "d");
    ASSERT_TRUE(reader.skip_value(&raw));
    EXPECT_EQ(raw, "true");
    EXPECT_FALSE(reader.next_key(&key));
    EXPECT_FALSE(reader.failed());
}

TEST(json_reader, malformed_input_ends) {
    for (const char *text :
         {"", "{", "{\"a\"", "{\"a\":", "{\"a\": [1, ", "{\"a\" 1}", "{\"a\": \"x", "{\"a\\", "[", "{]"}) {
        JsonReader reader(text);
        std::string_view key;
        if (!reader.enter('{'))
            continue;
        while (reader.next_key(&key) && reader.skip_value()) {
        }
        SUCCEED();
    }
}
