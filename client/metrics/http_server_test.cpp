#include "metrics/http_server.h"

#include "base/expect_error.h"

#include <gtest/gtest.h>

namespace dbperf::client::metrics {
using namespace base;

namespace {

TEST(HttpRequest, PathAndAccept) {
    HttpRequest request;
    bool is_head = true;
    EXPECT_EQ(
        parse_http_request("GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\nACCEPT: Text/Plain\r\nX: y\r\naccept:b\r\n\r\n",
                           request, is_head),
        0);
    EXPECT_EQ(request.path, "/metrics");
    EXPECT_EQ(request.accept, " text/plain,b");
    EXPECT_EQ(request.host, "a");
    EXPECT_FALSE(is_head);
    EXPECT_EQ(parse_http_request("HEAD / HTTP/1.0\r\n\r\n", request, is_head), 0);
    EXPECT_TRUE(is_head);
}

TEST(HttpRequest, WhatIsNoneIsRefused) {
    HttpRequest request;
    bool is_head = false;
    EXPECT_EQ(parse_http_request("", request, is_head), -1);
    EXPECT_EQ(parse_http_request("GET /metrics HTTP/1.1\r\nHost: a\r\n", request, is_head), -1);
    EXPECT_EQ(parse_http_request("GET " + std::string(9000, 'x'), request, is_head), 431);
    EXPECT_EQ(parse_http_request("POST / HTTP/1.1\r\n\r\n", request, is_head), 405);
    for (const char *head : {"\r\n\r\n", "GET\r\n\r\n", "GET / \r\n\r\n", "GET  HTTP/1.1\r\n\r\n", "GET / SPDY\r\n\r\n",
                             "GET http://a/ HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"}) {
        request = {};
        EXPECT_EQ(parse_http_request(head, request, is_head), 400) << head;
    }
}

TEST(HttpRequest, WhoseNameMayPointHere) {
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
