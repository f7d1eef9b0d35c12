// Owns a small HTTP/1.1 server for scraping: GET and HEAD, one answer a connection, bounded in everything: whoever
// asks has an answer within a second, whatever other clients do. It knows nothing of what it serves.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace dbperf::client::metrics {

struct HttpRequest {
    std::string path;
    std::string accept; // header, "" without
    std::string host;   // likewise
};

struct HttpAnswer {
    int status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
    int age_s = 0; // of what the answer tells
};

// The head of a request: 0 when it is complete and good, an HTTP status when it cannot be one, -1 when more must come.
int parse_http_request(std::string_view head, HttpRequest &request, bool &is_head);

struct ListenAddress {
    std::string host; // a name or an address; this machine alone by default
    std::string port;
};

// Whether a Host header can be meant for a server of this machine alone. A name with dots may be anybody's, who lets it
// point here (DNS rebinding); `own` is the one that was given.
bool is_local_host(std::string_view header, std::string_view own);

// "9630", ":9630", "0.0.0.0:9630", "[::1]:9630". Throws a usage error.
ListenAddress parse_listen_address(const std::string &text);

class HttpServer {
public:
    // Listens at once; throws an environment error when it cannot.
    explicit HttpServer(const ListenAddress &address);
    ~HttpServer();
    HttpServer(const HttpServer &) = delete;
    HttpServer &operator=(const HttpServer &) = delete;

    std::string url() const; // "http://127.0.0.1:9630"

    // Never waits. Nothing: not known yet; asked again with the same ticket, which begins as 0, when the descriptor is
    // readable, and for the last time when the client has waited long enough.
    struct Handler {
        std::function<std::optional<HttpAnswer>(const HttpRequest &, std::uint64_t &ticket, bool last_time)> answer;
        std::function<void()> quieten; // the descriptor
        int descriptor = -1;
    };

    // Serves until a signal arrives.
    void serve(const Handler &handler);

private:
    int listener_ = -1;
    std::string host_;
    int port_ = 0;
    bool is_loopback_ = false;
};

} // namespace dbperf::client::metrics
