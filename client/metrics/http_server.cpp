#include "metrics/http_server.h"

#include "base/error.h"
#include "base/file_text.h"
#include "base/interrupt.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace dbperf::client::metrics {
using namespace base;

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t longest_head = 8192;
constexpr std::size_t max_clients = 64;
constexpr std::chrono::seconds patience{10};              // for a client to ask, and then to take its answer
constexpr std::chrono::milliseconds answer_patience{850}; // of a client that asked

enum class Stage { asking, waiting, taking };

struct HttpClient {
    int socket = -1;
    Stage stage = Stage::asking;
    std::string head;
    HttpRequest request;
    bool is_head = false;
    std::uint64_t ticket = 0;
    std::string answer;
    std::size_t sent = 0;
    Clock::time_point deadline;

    explicit HttpClient(int accepted) : socket(accepted), deadline(Clock::now() + patience) {}
    ~HttpClient() { close(socket); }
    HttpClient(const HttpClient &) = delete;
    HttpClient &operator=(const HttpClient &) = delete;
};

std::string_view reason_of(int status) {
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 431:
        return "Request Header Fields Too Large";
    default:
        return "Service Unavailable";
    }
}

std::string response(const HttpAnswer &answer, bool is_head) {
    return fmt::format(
        "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}{}X-Content-Type-Options: nosniff\r\n"
        "Connection: close\r\n\r\n{}",
        answer.status, reason_of(answer.status), answer.content_type, answer.body.size(),
        answer.status == 405 ? "Allow: GET, HEAD\r\n" : "",
        answer.age_s > 0 ? fmt::format("Age: {}\r\n", answer.age_s) : "", is_head ? "" : answer.body);
}

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

void give(HttpClient &client, const HttpAnswer &answer) {
    client.answer = response(answer, client.is_head);
    client.stage = Stage::taking;
    client.deadline = Clock::now() + patience;
}

void refuse(HttpClient &client, int status) {
    give(client, {status, "text/plain; charset=utf-8", fmt::format("{}\n", reason_of(status)), 0});
}

bool is_loopback(const sockaddr &address) {
    if (address.sa_family == AF_INET)
        return ntohl(reinterpret_cast<const sockaddr_in &>(address).sin_addr.s_addr) >> 24 == 127;
    return address.sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6 &>(address).sin6_addr);
}

// False when the client is done with.
bool read_some(HttpClient &client) {
    std::array<char, 4096> buffer{};
    const ssize_t length = recv(client.socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (length < 0)
        return errno == EAGAIN || errno == EINTR;
    if (length == 0)
        return false;
    client.head.append(buffer.data(), static_cast<std::size_t>(length));
    const int status = parse_http_request(client.head, client.request, client.is_head);
    if (status > 0) {
        refuse(client, status);
    } else if (status == 0) {
        client.stage = Stage::waiting;
        client.deadline = Clock::now() + answer_patience;
    }
    return true;
}

bool write_some(HttpClient &client) {
    const ssize_t length = send(client.socket, client.answer.data() + client.sent, client.answer.size() - client.sent,
                                MSG_DONTWAIT | MSG_NOSIGNAL);
    if (length < 0)
        return errno == EAGAIN || errno == EINTR;
    client.sent += static_cast<std::size_t>(length);
    if (client.sent < client.answer.size())
        return true;
    shutdown(client.socket, SHUT_WR);
    return false;
}

} // namespace

int parse_http_request(std::string_view head, HttpRequest &request, bool &is_head) {
    const std::size_t end = head.find("\r\n\r\n");
    if (end == std::string_view::npos)
        return head.size() > longest_head ? 431 : -1;
    std::size_t line_end = head.find("\r\n");
    const std::string_view line = head.substr(0, line_end);
    const std::size_t first = line.find(' ');
    const std::size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
    if (second == std::string_view::npos || !line.substr(second + 1).starts_with("HTTP/1.") || line[first + 1] != '/')
        return 400;
    is_head = line.substr(0, first) == "HEAD";
    if (!is_head && line.substr(0, first) != "GET")
        return 405;
    const std::string_view target = line.substr(first + 1, second - first - 1);
    request.path = target.substr(0, target.find('?'));
    while (line_end < end) {
        const std::size_t begin = line_end + 2;
        line_end = head.find("\r\n", begin);
        const std::string_view field = head.substr(begin, line_end - begin);
        const std::size_t colon = field.find(':');
        if (colon == std::string_view::npos)
            continue;
        const std::string name = lower(field.substr(0, colon));
        if (name == "accept")
            request.accept += (request.accept.empty() ? "" : ",") + lower(field.substr(colon + 1));
        if (name == "host") {
            if (!request.host.empty())
                return 400;
            request.host = trim(lower(field.substr(colon + 1)));
        }
    }
    return 0;
}

bool is_local_host(std::string_view header, std::string_view own) {
    if (header.starts_with('['))
        return header.find_first_not_of("0123456789abcdef:.[]") == std::string_view::npos;
    std::string_view name = header.substr(0, header.find(':'));
    if (name.ends_with('.'))
        name.remove_suffix(1);
    return name.find('.') == std::string_view::npos || name == own || name.ends_with(".localhost") ||
           name.find_first_not_of("0123456789.") == std::string_view::npos;
}

ListenAddress parse_listen_address(const std::string &text) {
    const std::size_t colon = text.rfind(':');
    ListenAddress address{"127.0.0.1", colon == std::string::npos ? text : text.substr(colon + 1)};
    if (colon != std::string::npos && colon > 0)
        address.host = text.substr(0, colon);
    if (address.host.starts_with('[') && address.host.ends_with(']'))
        address.host = address.host.substr(1, address.host.size() - 2);
    else if (address.host.find(':') != std::string::npos)
        address.port.clear(); // an IPv6 address without its brackets
    int port = -1;
    if (address.port.starts_with('-')) // -0 would be a number
        address.port.clear();
    const char *end = address.port.data() + address.port.size();
    if (std::from_chars(address.port.data(), end, port).ptr != end || port < 0 || port > 65535 || address.host.empty())
        throw usage_error(fmt::format("\"{}\" is no address to listen on", text),
                          "write a port, HOST:PORT or [IPV6]:PORT, as 127.0.0.1:9630");
    return address;
}

HttpServer::HttpServer(const ListenAddress &address) : host_(address.host) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo *found = nullptr;
    const int failure = getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
    const auto complain = [&](const char *reason) {
        throw environment_error(fmt::format("cannot listen on {}:{}: {}", address.host, address.port, reason));
    };
    if (failure != 0)
        complain(gai_strerror(failure));
    const std::unique_ptr<addrinfo, void (*)(addrinfo *)> owned(found, freeaddrinfo);
    listener_ = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int yes = 1;
    if (listener_ < 0 || setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(listener_, found->ai_addr, found->ai_addrlen) != 0 || listen(listener_, max_clients) != 0) {
        const int reason = errno;
        if (listener_ >= 0)
            close(listener_);
        complain(std::strerror(reason));
    }
    is_loopback_ = is_loopback(*found->ai_addr);
    sockaddr_storage bound{};
    socklen_t length = sizeof bound;
    std::array<char, NI_MAXSERV> port{};
    if (getsockname(listener_, reinterpret_cast<sockaddr *>(&bound), &length) == 0 &&
        getnameinfo(reinterpret_cast<sockaddr *>(&bound), length, nullptr, 0, port.data(), port.size(),
                    NI_NUMERICSERV) == 0)
        std::from_chars(port.data(), port.data() + std::strlen(port.data()), port_);
}

HttpServer::~HttpServer() {
    close(listener_);
}

std::string HttpServer::url() const {
    const bool is_ipv6 = host_.find(':') != std::string::npos;
    return fmt::format("http://{}{}{}:{}", is_ipv6 ? "[" : "", host_, is_ipv6 ? "]" : "", port_);
}

namespace {

using Clients = std::vector<std::unique_ptr<HttpClient>>;

// Room for one more: of those that did not ask yet, else of those that take their answer, the one that came first goes.
void make_room(Clients &clients) {
    for (const Stage stage : {Stage::asking, Stage::taking}) {
        const auto oldest = std::min_element(clients.begin(), clients.end(), [&](const auto &a, const auto &b) {
            return std::pair(a->stage != stage, a->deadline) < std::pair(b->stage != stage, b->deadline);
        });
        if (oldest != clients.end() && (*oldest)->stage == stage) {
            clients.erase(oldest);
            return;
        }
    }
}

int poll_timeout_ms(const Clients &clients) {
    if (clients.empty())
        return -1;
    const auto first = std::min_element(clients.begin(), clients.end(),
                                        [](const auto &a, const auto &b) { return a->deadline < b->deadline; });
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>((*first)->deadline - Clock::now()).count();
    return static_cast<int>(std::clamp<long long>(left + 1, 0, 1000));
}

} // namespace

void HttpServer::serve(const Handler &handler) {
    Clients clients;
    // False when the client is done with.
    const auto go_on = [&](HttpClient &client, bool has_event) {
        const bool is_late = Clock::now() >= client.deadline;
        if (client.stage == Stage::asking && has_event && !read_some(client))
            return false;
        if (client.stage == Stage::waiting) {
            if (is_loopback_ && !is_local_host(client.request.host, host_))
                refuse(client, 403);
            else if (const auto answer = handler.answer(client.request, client.ticket, is_late))
                give(client, *answer);
            else if (is_late)
                refuse(client, 503);
            return true;
        }
        return !is_late && (client.stage != Stage::taking || !has_event || write_some(client));
    };
    while (!interrupted()) {
        std::vector<pollfd> waits;
        waits.push_back({interrupt_descriptor(), POLLIN, 0});
        waits.push_back({listener_, POLLIN, 0});
        waits.push_back({handler.descriptor, POLLIN, 0});
        for (const auto &client : clients) {
            const bool takes = client->stage == Stage::taking;
            waits.push_back({client->stage == Stage::waiting ? -1 : client->socket,
                             static_cast<short>(takes ? POLLOUT : POLLIN), 0});
        }
        poll(waits.data(), waits.size(), poll_timeout_ms(clients));
        if (interrupted())
            return;
        if (waits[2].revents != 0)
            handler.quieten();
        for (std::size_t i = clients.size(); i-- > 0;)
            if (!go_on(*clients[i], waits[i + 3].revents != 0))
                clients.erase(clients.begin() + static_cast<std::ptrdiff_t>(i));
        if (waits[1].revents == 0)
            continue;
        if (clients.size() >= max_clients)
            make_room(clients);
        const int accepted =
            clients.size() < max_clients ? accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK) : -1;
        if (accepted >= 0)
            clients.push_back(std::make_unique<HttpClient>(accepted));
        else
            poll(nullptr, 0, 10); // no room, or no file descriptor: not in a busy loop
    }
}

} // namespace dbperf::client::metrics
