// Owns a small HTTP/1.1 server for scraping: GET and HEAD, one answer a connection, bounded in everything.
// It knows nothing of what it serves.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace dbperf::client {

struct HttpRequest {
    std::string path;
    std::string accept; // header, "" without
};

struct HttpAnswer {
    int status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
};

// The head of a request: 0 when it is complete and good, an HTTP status when it cannot be one, -1 when more must come.
int parse_http_request(std::string_view head, HttpRequest &request, bool &is_head);

struct ListenAddress {
    std::string host; // a name or an address; this machine alone by default
    std::string port;
};

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

    // Serves until a signal arrives.
    void serve(const std::function<HttpAnswer(const HttpRequest &)> &answer);

private:
    int listener_ = -1;
    std::string host_;
    int port_ = 0;
};

} // namespace dbperf::client
