#include "otlp/collector_address.h"

#include "base/expect_error.h"

#include <gtest/gtest.h>

namespace dbperf::client::otlp {
using namespace base;

namespace {

TEST(CollectorAddress, urls) {
    EXPECT_EQ(parse_collector_address("http://localhost").origin, "http://localhost:4318");
    EXPECT_EQ(parse_collector_address("https://otel.example").origin, "https://otel.example:443");
    EXPECT_EQ(parse_collector_address("http://[::1]:9/x/").origin, "http://[::1]:9");
    EXPECT_EQ(parse_collector_address("http://[::1]:9/x/").path, "/x");
    EXPECT_EQ(parse_collector_address("http://a:4318/").path, "");
}

TEST(CollectorAddress, what_is_no_url) {
    for (const char *url : {"", "localhost:4318", "ftp://a", "http://", "http://:4318", "http://a:0", "http://a:65536",
                            "http://a:x", "http://a:", "http://a b", "http://a/\r\nX: y", "http://a?x", "http://a/#x",
                            "http://u:p@a", "http://[::1", "http://::1:4318"})
        EXPECT_THROW(parse_collector_address(url), Error) << url;
}

TEST(CollectorAddress, headers) {
    using Headers = std::vector<std::pair<std::string, std::string>>;
    EXPECT_EQ(parse_headers(""), Headers());
    EXPECT_EQ(parse_headers("api-key=a%20b%3D, x = y=z,"), (Headers{{"api-key", "a b="}, {"x", "y=z"}}));
    for (const char *text : {"x", "=y", "a b=c", "x=a%0d%0aY: z"})
        EXPECT_THROW(parse_headers(text), Error) << text;
}

} // namespace
} // namespace dbperf::client::otlp
