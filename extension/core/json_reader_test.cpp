// Reads what EXPLAIN prints and survives what it never prints.
#include "core/json_reader.h"

#include <gtest/gtest.h>

#include <string>

using namespace dbperf::core;

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

TEST(json_reader, an_element_that_is_not_read_ends_the_array) {
    JsonReader reader("[{}, 1]");
    ASSERT_TRUE(reader.enter('['));
    ASSERT_TRUE(reader.next_element());
    EXPECT_FALSE(reader.next_element());
    EXPECT_TRUE(reader.failed());
}

TEST(json_reader, nested_arrays_go_on_behind_each_other) {
    JsonReader reader("[[[1], []], [2]]");
    int elements = 0, arrays = 0;
    ASSERT_TRUE(reader.enter('['));
    while (reader.next_element()) {
        ASSERT_TRUE(reader.enter('['));
        for (; reader.next_element(); ++elements)
            ASSERT_TRUE(reader.skip_value());
        ++arrays;
    }
    EXPECT_FALSE(reader.failed());
    EXPECT_EQ(arrays, 2);
    EXPECT_EQ(elements, 3);
}

TEST(json_reader, pauses_while_it_reads) {
    static int pauses;
    pauses = 0;
    std::string many = "[";
    for (int i = 0; i < 20000; ++i)
        many += "{},";
    many += "1]";
    JsonReader reader(many, [] { ++pauses; });
    EXPECT_TRUE(reader.skip_value());
    EXPECT_GT(pauses, 1);
}
