#include "postgres/stored_setting.h"

#include <gtest/gtest.h>

namespace dbperf::client::postgres {
namespace {

using Names = std::vector<std::string>;

std::string quoted(const std::string &name) {
    std::string text = "\"";
    for (const char c : name)
        text += c == '"' ? "\"\"" : std::string(1, c);
    return text + "\"";
}

TEST(NameList, AsTheServerReadsIt) {
    EXPECT_EQ(split_name_list(R"("$user", public)"), (Names{"$user", "public"}));
    EXPECT_EQ(split_name_list(" a ,\tB,\"c \"\"d\"\"\" "), (Names{"a", "B", "c \"d\""}));
    EXPECT_EQ(split_name_list("x;alter/**/role"), Names{"x;alter/**/role"});
    EXPECT_EQ(split_name_list("\"\""), Names{""});
    EXPECT_EQ(split_name_list(" "), Names{});
}

TEST(NameList, WhatIsNone) {
    for (const char *value : {",", "a,", ",a", "a b", "\"a", "\"a\"b", "\"a\" \"b\"", "a; b", "\"\"\""})
        EXPECT_FALSE(split_name_list(value)) << value;
}

// Every list of every name that can be made of what has a meaning in SQL or in lists comes back as it went in.
TEST(NameList, HostileNamesComeBack) {
    const Names pieces = {"\"", "'", "\\", ",", ";", " ", "\n", "$x$", "--", "/*", "=", ".", "\xc3\xa9", "a"};
    std::vector<std::string> names = {""};
    for (const std::string &first : pieces)
        for (const std::string &second : pieces)
            for (const std::string &third : {std::string(), std::string("\""), std::string(", b")})
                names.push_back(first + second + third);
    for (std::size_t i = 0; i < names.size(); ++i) {
        const Names list = {names[i], "public", names[names.size() - 1 - i]};
        std::string value;
        for (const std::string &name : list)
            value += (value.empty() ? "" : i % 2 == 0 ? ", " : ",") + quoted(name);
        EXPECT_EQ(split_name_list(value), list) << value;
    }
}

TEST(NameList, WhichSettings) {
    EXPECT_TRUE(is_name_list("search_path"));
    EXPECT_TRUE(is_name_list("Temp_Tablespaces"));
    EXPECT_FALSE(is_name_list("search_path2"));
    EXPECT_FALSE(is_name_list("DateStyle"));
    EXPECT_FALSE(is_name_list(""));
}

TEST(SettingName, Parts) {
    EXPECT_EQ(setting_name_parts("work_mem"), Names{"work_mem"});
    EXPECT_EQ(setting_name_parts("a.b = 1; .c"), (Names{"a", "b = 1; ", "c"}));
    EXPECT_EQ(setting_name_parts(""), Names{""});
}

} // namespace
} // namespace dbperf::client::postgres
