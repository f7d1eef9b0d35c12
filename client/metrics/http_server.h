// Owns a small HTTP server for scraping: GET and HEAD, one answer a connection, bounded in everything: whoever asks has
// an answer within a second, whatever other clients do. It knows nothing of what it serves; cpp-httplib is behind it.
#pragma once

#include "metrics/listen_address.h"

#include <functional>
#include <memory>
#include <string>

namespace dbperf::client::metrics {

struct HttpRequest {
    std::string path;
    std::string accept; // header, "" without, in lower case
};

struct HttpAnswer {
    int status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
    int age_s = 0; // of what the answer says
};

class HttpServer {
public:
    // Listens at once; throws an environment error when it cannot.
    explicit HttpServer(const ListenAddress &address);
    ~HttpServer();
    HttpServer(const HttpServer &) = delete;
    HttpServer &operator=(const HttpServer &) = delete;

    std::string url() const; // "http://127.0.0.1:9630"

    // Called in several threads. Where it may wait, it does so for less than a second; when many wait already it may
    // not.
    using Handler = std::function<HttpAnswer(const HttpRequest &, bool may_wait)>;

    // Serves until a signal arrives, or stop() is called.
    void serve(const Handler &handler);
    void stop(); // from another thread

private:
    class Listener;
    std::unique_ptr<Listener> listener_;
    std::string host_;
    int port_ = 0;
    int stop_event_ = -1;
};

} // namespace dbperf::client::metrics
