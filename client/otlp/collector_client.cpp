#include "otlp/collector_client.h"

#include "base/error.h"
#include "base/interrupt.h"
#include "terminal/table.h"

#include <fmt/format.h>
#include <httplib.h>

#include <atomic>
#include <chrono>
#include <poll.h>
#include <string_view>
#include <thread>

namespace dbperf::client::otlp {
using namespace base;
using namespace terminal;

namespace {

constexpr std::chrono::seconds patience{10}; // for the whole of a request
constexpr std::chrono::seconds patience_to_connect{5};
constexpr int retry_after_ms = 1000;
constexpr int look_every_ms = 50;
constexpr std::size_t max_answer = 65536, shown_answer = 300;

const char *reason_of(httplib::Error error) {
    switch (error) {
    case httplib::Error::Connection:
        return "no connection: refused, or there is no such host";
    case httplib::Error::ConnectionTimeout:
        return "it takes no connection";
    case httplib::Error::Read:
        return "the connection ended before the answer";
    case httplib::Error::Write:
        return "the connection ended before the request was sent";
    case httplib::Error::SSLConnection:
        return "no TLS connection";
    case httplib::Error::SSLLoadingCerts:
    case httplib::Error::SSLServerVerification:
        return "its certificate is not trusted";
    default:
        return "no answer in HTTP";
    }
}

// Of whatever a collector or something in front of it wrote.
std::string shown(const std::string &body) {
    std::string text;
    for (const char c : body.substr(0, shown_answer))
        text += static_cast<unsigned char>(c) < ' ' || c == 0x7f ? ' ' : c;
    return text + (body.size() > shown_answer ? "..." : "");
}

} // namespace

struct CollectorClient::Answer {
    int status = 0; // 0: none
    std::string body, failure;
};

CollectorClient::Answer CollectorClient::ask(const std::string &path, const std::string &body) const {
    httplib::Client client(address_.origin);
    client.set_connection_timeout(patience_to_connect);
    client.set_read_timeout(patience);
    client.set_write_timeout(patience);
    client.set_keep_alive(false);
    Answer answer;
    httplib::Request request;
    request.method = "POST";
    request.path = address_.path + path;
    request.body = body;
    for (const auto &[name, value] : headers_)
        request.headers.emplace(name, value);
    request.headers.emplace("Content-Type", "application/json");
    request.headers.emplace("User-Agent", "dbperf/" DBPERF_VERSION);
    request.content_receiver = [&answer](const char *data, std::size_t length, std::uint64_t, std::uint64_t) {
        answer.body.append(data, std::min(length, max_answer - answer.body.size()));
        return answer.body.size() < max_answer;
    };
    request.response_handler = [&answer](const httplib::Response &response) {
        answer.status = response.status;
        return true;
    };
    // It waits anew for each piece that arrives, and knows nothing of signals: somebody else looks at the clock.
    std::atomic<bool> is_done = false;
    std::thread sender([&] {
        httplib::Response response;
        httplib::Error error = httplib::Error::Success;
        if (!client.send(request, response, error) && error != httplib::Error::Canceled)
            answer.failure = reason_of(error);
        is_done = true;
    });
    const auto end = std::chrono::steady_clock::now() + patience;
    bool is_late = false;
    while (!is_done) {
        pollfd wake = {interrupt_descriptor(), POLLIN, 0};
        poll(&wake, 1, interrupted() ? 0 : look_every_ms);
        is_late = std::chrono::steady_clock::now() > end;
        if (interrupted() || is_late) {
            client.stop();
            if (!is_done) {
                pollfd pause = {-1, 0, 0};
                poll(&pause, 1, look_every_ms); // it may be about to open a socket, which is to be stopped as well
            }
        }
    }
    sender.join();
    throw_if_interrupted();
    if (is_late)
        return {0, "", fmt::format("no answer within {} seconds", patience.count())};
    if (!answer.failure.empty())
        return {0, "", answer.failure};
    return answer;
}

std::string CollectorClient::post(const std::string &path, const std::string &body) {
    Answer answer = ask(path, body);
    if (answer.status == 429 || answer.status >= 500) {
        interruptible_sleep_ms(retry_after_ms);
        answer = ask(path, body);
    }
    const std::string url = address_.origin + address_.path + path;
    if (answer.status == 0)
        throw environment_error(fmt::format("cannot send to {}: {}", url, answer.failure),
                                "is a collector there, with a receiver for OTLP over HTTP?");
    if (answer.status < 200 || answer.status > 299)
        throw environment_error(fmt::format("{} answers {}: {}", url, answer.status, shown(answer.body)),
                                answer.status == 401 || answer.status == 403
                                    ? "what it wants to know goes into OTEL_EXPORTER_OTLP_HEADERS"
                                    : "");
    return std::move(answer.body);
}

} // namespace dbperf::client::otlp
