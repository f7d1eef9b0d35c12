// What is a trace context, and what only looks like one.
#include "statements/traceparent.h"

#include <gtest/gtest.h>

#include <string>

using namespace dbperf::statements;

namespace {

const std::string good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

std::string found(const std::string &value) {
    return std::string(traceparent_of("/*action='x',traceparent='" + value + "'*/"));
}

} // namespace

TEST(traceparent, in_a_comment) {
    EXPECT_EQ(found(good), good);
    EXPECT_EQ(traceparent_of("traceparent='" + good + "'"), good);
    EXPECT_EQ(traceparent_of("/*controller='list'*/"), "");
    EXPECT_EQ(traceparent_of(""), "");
}

TEST(traceparent, what_is_none) {
    for (size_t i = 0; i < good.size(); ++i) {
        std::string wrong = good;
        wrong[i] = 'x';
        EXPECT_EQ(found(wrong), "") << wrong;
        EXPECT_EQ(found(good.substr(0, i)), "") << i;
    }
    EXPECT_EQ(found(good + "0"), "");
    EXPECT_EQ(found("00-00000000000000000000000000000000-b7ad6b7169203331-01"), "");
    EXPECT_EQ(found("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"), "");
    EXPECT_EQ(traceparent_of("/*traceparent='" + good), "");
}
