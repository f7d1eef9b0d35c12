// With otlp/collector_client the only file that includes cpp-httplib. Its server hands each connection to a pool of
// threads and waits for every read and write anew, so that a few slow clients would keep all threads. Here a connection
// has a time by which it must have asked, and one by which it must have taken its answer, and the one that came first
// gives way to a new one.
#include "metrics/http_server.h"

#include "base/error.h"
#include "base/file_text.h"
#include "base/interrupt.h"

#include <fmt/format.h>
#include <httplib.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <list>
#include <mutex>
#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace dbperf::client::metrics {
using namespace base;

// Not unnamed: HttpServer has members of these types.
namespace http_server {

using Clock = std::chrono::steady_clock;

constexpr std::size_t max_head = 8192;
constexpr std::string_view end_of_head = "\r\n\r\n";
constexpr std::size_t max_clients = 64;                 // a thread each
constexpr int max_waiting = 32;                         // of them, in the handler
constexpr std::chrono::seconds patience{10};            // for a client to ask, and then to take its answer
constexpr std::chrono::milliseconds last_patience{500}; // for a client to close

// Connections from accept to close. All functions may be called from any thread.
class Connections {
public:
    enum class Stage { asking, answering, taking, closing };
    struct Each {
        int socket;
        Stage stage = Stage::asking;
        bool is_ended = false;
    };
    using Handle = std::list<Each>::iterator;

    // One was accepted.
    void expect() {
        const std::lock_guard lock(mutex_);
        ++alive_;
        make_room();
    }

    // It has a thread now.
    Handle add(int socket) {
        const std::lock_guard lock(mutex_);
        const Handle added = each_.insert(each_.end(), Each{socket});
        if (is_over_)
            end(*added);
        return added;
    }

    void enter(Handle connection, Stage stage) {
        const std::lock_guard lock(mutex_);
        connection->stage = stage;
        make_room(); // none may have been found before
    }

    // As recv() without waiting. Who asked by that is not ended for having asked nothing.
    ssize_t receive(Handle connection, char *target, std::size_t size) {
        const std::lock_guard lock(mutex_);
        const ssize_t length = recv(connection->socket, target, size, MSG_DONTWAIT);
        if (length > 0 && std::string_view(target, static_cast<std::size_t>(length)).ends_with(end_of_head))
            connection->stage = Stage::answering;
        return length;
    }

    void close(Handle connection) {
        const std::lock_guard lock(mutex_); // nobody ends another one's socket
        ::close(connection->socket);
        ended_ -= connection->is_ended ? 1 : 0;
        --alive_;
        each_.erase(connection);
    }

    // These, and all that come.
    void end_all() {
        const std::lock_guard lock(mutex_);
        is_over_ = true;
        for (Each &each : each_)
            if (!each.is_ended)
                end(each);
    }

private:
    // While there are more than threads, the oldest of those are ended that have their answer, then of those that did
    // not ask yet, then of those that are slow to take it.
    void make_room() {
        for (const Stage stage : {Stage::closing, Stage::asking, Stage::taking})
            for (Each &each : each_) {
                if (alive_ - ended_ <= max_clients)
                    return;
                if (each.stage == stage && !each.is_ended && (stage != Stage::asking || !has_input(each.socket)))
                    end(each);
            }
    }

    // Something that its thread did not read yet.
    static bool has_input(int socket) {
        int bytes = 0;
        return ioctl(socket, FIONREAD, &bytes) == 0 && bytes > 0;
    }

    // Its thread sees the end of its input, or that it cannot write.
    void end(Each &connection) {
        shutdown(connection.socket, SHUT_RDWR);
        connection.is_ended = true;
        ++ended_;
    }

    std::mutex mutex_;
    std::list<Each> each_; // the oldest one first
    std::size_t alive_ = 0;
    std::size_t ended_ = 0; // of them
    bool is_over_ = false;
};

// httplib's pool, before which room is made.
class Workers final : public httplib::TaskQueue {
public:
    explicit Workers(Connections &connections) : connections_(connections), threads_(max_clients) {}

    // What it gives depends on the version.
    auto enqueue(std::function<void()> task)
        -> decltype(std::declval<httplib::TaskQueue &>().enqueue(nullptr)) override {
        connections_.expect();
        return threads_.enqueue(std::move(task));
    }
    void shutdown() override {
        connections_.end_all();
        threads_.shutdown();
    }

private:
    Connections &connections_;
    httplib::ThreadPool threads_;
};

// One client's bytes: no more than the head of a request, within the time there is.
class ClientStream final : public httplib::Stream {
public:
    ClientStream(Connections &connections, Connections::Handle connection)
        : connections_(connections), connection_(connection), socket_(connection->socket) {}

    bool head_is_too_long() const { return is_too_long_; }

    ssize_t read(char *target, std::size_t size) override {
        if (taken_ == filled_ && !fill())
            return is_broken_ ? -1 : 0;
        const std::size_t length = std::min(size, filled_ - taken_);
        std::memcpy(target, buffer_.data() + taken_, length);
        taken_ += length;
        return static_cast<ssize_t>(length);
    }

    ssize_t write(const char *text, std::size_t size) override {
        if (is_broken_)
            return -1; // nobody is there
        if (!std::exchange(is_answered_, true))
            deadline_ = Clock::now() + patience;
        for (std::size_t sent = 0; sent < size;) {
            const ssize_t length = send(socket_, text + sent, size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (length >= 0) {
                sent += static_cast<std::size_t>(length);
            } else if (errno == EAGAIN) {
                connections_.enter(connection_, Connections::Stage::taking);
                is_broken_ = !wait_for(POLLOUT);
            } else if (errno != EINTR) {
                is_broken_ = true;
            }
            if (is_broken_)
                return -1;
        }
        return static_cast<ssize_t>(size);
    }

    // Who still sends while the connection is closed would lose the answer.
    void wait_for_close() {
        connections_.enter(connection_, Connections::Stage::closing);
        shutdown(socket_, SHUT_WR);
        deadline_ = Clock::now() + last_patience;
        while (wait_for(POLLIN) && recv(socket_, buffer_.data(), buffer_.size(), MSG_DONTWAIT) > 0) {
        }
    }

    void get_remote_ip_and_port(std::string &, int &) const override {}
    void get_local_ip_and_port(std::string &, int &) const override {}
    socket_t socket() const override { return socket_; }
    bool is_readable() const override { return true; }
    bool is_writable() const override { return true; }
    // Of later versions.
    virtual bool wait_readable() const { return true; }
    virtual bool wait_writable() const { return true; }
    virtual time_t duration() const { return 0; }

private:
    bool wait_for(short events) const {
        while (true) {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
            pollfd wait = {socket_, events, 0};
            if (left < 0)
                return false;
            const int ready = poll(&wait, 1, static_cast<int>(left) + 1);
            if (ready > 0 || (ready < 0 && errno != EINTR))
                return ready > 0;
        }
    }

    bool fill() {
        if (received_ == max_head) {
            is_broken_ = std::exchange(is_too_long_, true);
            filled_ = end_of_head.copy(buffer_.data(), end_of_head.size()); // so that it is answered
            taken_ = 0;
            return !is_broken_;
        }
        while (!is_broken_ && wait_for(POLLIN)) {
            const std::size_t room = std::min(buffer_.size(), max_head - received_);
            const ssize_t length = connections_.receive(connection_, buffer_.data(), room);
            if (length > 0) {
                received_ += static_cast<std::size_t>(length);
                filled_ = static_cast<std::size_t>(length);
                taken_ = 0;
                return true;
            }
            is_broken_ = length == 0 || (errno != EAGAIN && errno != EINTR);
        }
        is_broken_ = true;
        return false;
    }

    Connections &connections_;
    const Connections::Handle connection_;
    const int socket_;
    Clock::time_point deadline_ = Clock::now() + patience;
    std::array<char, 4096> buffer_{};
    std::size_t filled_ = 0;
    std::size_t taken_ = 0;
    std::size_t received_ = 0;
    bool is_too_long_ = false;
    bool is_broken_ = false;
    bool is_answered_ = false;
};

thread_local ClientStream *served = nullptr; // by this thread

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

bool has_event(int descriptor) {
    pollfd wait = {descriptor, POLLIN, 0};
    return poll(&wait, 1, 0) > 0;
}

// The numbers of an address, which also say what is wrong with it.
std::string resolve(const std::string &host, const std::string &port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo *found = nullptr;
    const int failure = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
    if (failure != 0)
        throw environment_error(fmt::format("cannot listen on {}:{}: {}", host, port, gai_strerror(failure)));
    const std::unique_ptr<addrinfo, void (*)(addrinfo *)> owned(found, freeaddrinfo);
    std::array<char, NI_MAXHOST> numbers{};
    getnameinfo(found->ai_addr, found->ai_addrlen, numbers.data(), numbers.size(), nullptr, 0, NI_NUMERICHOST);
    return numbers.data();
}

} // namespace http_server

using namespace http_server;

class HttpServer::Listener final : public httplib::Server {
public:
    explicit Listener(std::string own_name) : own_name_(std::move(own_name)) {
        new_task_queue = [this] { return new Workers(connections_); };
        set_default_headers({{"X-Content-Type-Options", "nosniff"}});
        // Two servers must not share a port, as they do by default.
        set_socket_options([](socket_t socket) {
            const int yes = 1;
            setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        });
        set_pre_routing_handler([this](const httplib::Request &request, httplib::Response &response) {
            answer(request, response);
            return HandlerResponse::Handled;
        });
        // What is no request.
        set_error_handler(HandlerWithResponse([](const httplib::Request &, httplib::Response &response) {
            if (!response.body.empty())
                return HandlerResponse::Unhandled;
            if (served->head_is_too_long())
                response.status = 431;
            response.set_content(
                fmt::format("{}\n", served->head_is_too_long() ? "the request is too long" : "this is no request"),
                "text/plain; charset=utf-8");
            return HandlerResponse::Handled;
        }));
    }

    // The port; throws an environment error.
    int bind_and_listen(const std::string &address, int port) {
        errno = 0;
        const int bound = port == 0 ? bind_to_any_port(address) : bind_to_port(address, port) ? port : -1;
        if (bound < 0)
            throw environment_error(fmt::format("cannot listen on {}:{}: {}", own_name_, port, std::strerror(errno)));
        ::listen(svr_sock_, SOMAXCONN); // the library's backlog is 5
        is_loopback_ = address.starts_with("127.") || address == "::1";
        return bound;
    }

    HttpServer::Handler handler;

private:
    bool process_and_close_socket(socket_t socket) override {
        const Connections::Handle connection = connections_.add(socket);
        bool is_good = false;
        {
            ClientStream stream(connections_, connection);
            served = &stream;
            bool is_closed = false;
            const auto prepare = [&](httplib::Request &request) {
                request.ranges.clear();                   // all, or nothing
                request.headers.erase("Accept-Encoding"); // Brotli takes its time
                connections_.enter(connection, Connections::Stage::answering);
            };
            const auto process = [&](auto &self) {
                if constexpr (requires { self.process_request(stream, true, is_closed, prepare); })
                    return self.process_request(stream, true, is_closed, prepare);
                else // since 0.14
                    return self.process_request(stream, "", 0, "", 0, true, is_closed, prepare);
            };
            is_good = process(*this);
            stream.wait_for_close();
            served = nullptr;
        }
        connections_.close(connection);
        return is_good;
    }

    void answer(const httplib::Request &request, httplib::Response &response) {
        const auto give = [&](HttpAnswer given) {
            response.status = given.status;
            response.body = std::move(given.body);
            response.set_header("Content-Type", given.content_type);
            if (given.age_s > 0)
                response.set_header("Age", std::to_string(given.age_s));
        };
        if (served->head_is_too_long())
            return give({431, "text/plain; charset=utf-8", "the request is too long\n", 0});
        if (request.method != "GET" && request.method != "HEAD") {
            response.set_header("Allow", "GET, HEAD");
            return give({405, "text/plain; charset=utf-8", "only GET and HEAD are possible\n", 0});
        }
        if (request.get_header_value_count("Host") > 1)
            return give({400, "text/plain; charset=utf-8", "more than one Host\n", 0});
        if (is_loopback_ && !is_local_host(trim(lower(request.get_header_value("Host"))), own_name_))
            return give({403, "text/plain; charset=utf-8", "this is the server of another host\n", 0});
        HttpRequest asked{request.path, ""};
        const auto [first, last] = request.headers.equal_range("Accept");
        for (auto each = first; each != last; ++each)
            asked.accept += (asked.accept.empty() ? "" : ",") + lower(each->second);
        const bool may_wait = ++waiting_ <= max_waiting;
        HttpAnswer given = handler(asked, may_wait);
        --waiting_;
        give(std::move(given));
    }

    const std::string own_name_;
    bool is_loopback_ = false;
    std::atomic<int> waiting_ = 0;
    Connections connections_;
};

HttpServer::HttpServer(const ListenAddress &address) : listener_(std::make_unique<Listener>(address.host)) {
    host_ = address.host;
    std::from_chars(address.port.data(), address.port.data() + address.port.size(), port_);
    port_ = listener_->bind_and_listen(resolve(host_, address.port), port_);
    stop_event_ = eventfd(0, EFD_CLOEXEC);
    if (stop_event_ < 0)
        throw internal_error("cannot create an event");
}

HttpServer::~HttpServer() {
    close(stop_event_);
}

std::string HttpServer::url() const {
    const bool is_ipv6 = host_.find(':') != std::string::npos;
    return fmt::format("http://{}{}{}:{}", is_ipv6 ? "[" : "", host_, is_ipv6 ? "]" : "", port_);
}

void HttpServer::serve(const Handler &handler) {
    listener_->handler = handler;
    std::atomic<bool> has_ended = false;
    std::thread watcher([&] {
        std::array<pollfd, 2> waits = {{{interrupt_descriptor(), POLLIN, 0}, {stop_event_, POLLIN, 0}}};
        while (poll(waits.data(), waits.size(), -1) < 0) {
        }
        while (!has_ended && !listener_->is_running()) // before that it cannot be stopped
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        listener_->stop();
    });
    listener_->listen_after_bind();
    has_ended = true;
    const bool is_wanted = interrupted() || has_event(stop_event_);
    stop();
    watcher.join();
    if (!is_wanted)
        throw environment_error(fmt::format("{} takes no more connections", url()));
}

void HttpServer::stop() {
    const eventfd_t once = 1;
    eventfd_write(stop_event_, once);
}

} // namespace dbperf::client::metrics
