#include "metrics/listen_address.h"

#include "base/expect_error.h"

#include <gtest/gtest.h>

namespace dbperf::client::metrics {
using namespace base;

namespace {

TEST(ListenAddress, WhoseNameMayPointHere) {
    for (const char *host : {"", "localhost", "localhost:9630", "127.0.0.1:80", "127.1.2.3", "10.0.0.1", "[::1]:9630",
                             "runner", "app.localhost.", "metrics.example:1"})
        EXPECT_TRUE(is_local_host(host, "metrics.example")) << host;
    for (const char *host : {"evil.example", "evil.example:9630", "127.0.0.1.evil.example", "localhost.evil.example.",
                             "[::1].evil.example", "1.2.3.4x"})
        EXPECT_FALSE(is_local_host(host, "metrics.example")) << host;
}

TEST(ListenAddress, Forms) {
    const auto expect = [](const std::string &text, const std::string &host, const std::string &port) {
        const ListenAddress address = parse_listen_address(text);
        EXPECT_EQ(address.host, host);
        EXPECT_EQ(address.port, port);
    };
    expect("9630", "127.0.0.1", "9630");
    expect(":0", "127.0.0.1", "0");
    expect("0.0.0.0:9630", "0.0.0.0", "9630");
    expect("[::1]:9630", "::1", "9630");
    for (const char *wrong : {"", ":", "localhost", "a:b", "::1", "1:99999", "1:-1", "-0", "[]:5"})
        expect_error([&] { parse_listen_address(wrong); }, ExitCode::usage, "is no address to listen on", "HOST:PORT");
}

} // namespace
} // namespace dbperf::client::metrics
