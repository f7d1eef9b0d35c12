#include "metrics/http_server.h"

#include "base/expect_error.h"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <list>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace dbperf::client::metrics {
using namespace base;

namespace {

using Clock = std::chrono::steady_clock;

class TestClient {
public:
    explicit TestClient(const HttpServer &server, int receive_buffer = 0) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
        if (receive_buffer > 0)
            setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        const std::string url = server.url();
        address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1))));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(connect(socket_, reinterpret_cast<const sockaddr *>(&address), sizeof address), 0);
    }
    ~TestClient() { close(socket_); }
    TestClient(const TestClient &) = delete;
    TestClient &operator=(const TestClient &) = delete;

    void say(std::string_view text) const { (void)send(socket_, text.data(), text.size(), MSG_NOSIGNAL); }

    // All until the server closes, or what came within that time.
    std::string hear(std::chrono::milliseconds time = std::chrono::seconds(20)) const {
        const auto deadline = Clock::now() + time;
        std::string heard;
        std::array<char, 65536> buffer{};
        while (true) {
            pollfd wait = {socket_, POLLIN, 0};
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
            if (left.count() <= 0 || poll(&wait, 1, static_cast<int>(left.count())) <= 0)
                return heard;
            const ssize_t length = recv(socket_, buffer.data(), buffer.size(), 0);
            if (length <= 0)
                return heard;
            heard.append(buffer.data(), static_cast<std::size_t>(length));
        }
    }

private:
    int socket_;
};

// Serves while it lives.
class TestServer {
public:
    explicit TestServer(HttpServer::Handler handler)
        : server({"127.0.0.1", "0"}), thread_([this, given = std::move(handler)] { server.serve(given); }) {}
    ~TestServer() {
        server.stop();
        thread_.join();
    }
    std::string answer(std::string_view request) const {
        const TestClient client(server);
        client.say(request);
        return client.hear();
    }
    HttpServer server;

private:
    std::thread thread_;
};

HttpAnswer say_path(const HttpRequest &request, bool) {
    return {200, "text/plain", request.path + "|" + request.accept, 0};
}

TEST(HttpServer, AnswersOnceAConnection) {
    const TestServer server(say_path);
    const std::string answer = server.answer("GET /metrics?x=1 HTTP/1.1\r\nHost: localhost\r\nACCEPT: Text/Plain\r\n"
                                             "accept:b\r\nRange: bytes=0-2\r\nAccept-Encoding: gzip, br\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\n/metrics|text/plain,b")) << answer;
    EXPECT_NE(answer.find("\r\nContent-Length: 21\r\n"), std::string::npos) << answer;
    EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos) << answer;
    const std::string head = server.answer("HEAD / HTTP/1.0\r\n\r\n");
    EXPECT_NE(head.find("\r\nContent-Length: 2\r\n"), std::string::npos) << head;
    EXPECT_TRUE(head.ends_with("\r\n\r\n")) << head;
}

TEST(HttpServer, RefusesWhatIsNone) {
    const TestServer server(say_path);
    const auto expect = [&](const std::string &request, const std::string &status) {
        const std::string answer = server.answer(request);
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + status + " ")) << request.substr(0, 80) << "\n" << answer;
    };
    expect("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nx", "405");
    for (const char *none :
         {"\r\n\r\n", "GET\r\n\r\n", "GET / SPDY\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"})
        expect(none, "400");
    expect("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "403");
    expect("GET /" + std::string(9000, 'x') + " HTTP/1.1\r\n\r\n", "431");
    std::string many = "GET / HTTP/1.1\r\n";
    for (int i = 0; i < 100000; ++i)
        many += "X: y\r\n";
    expect(many + "\r\n", "431");
}

TEST(HttpServer, APortIsOnlyOnes) {
    const TestServer server(say_path);
    const std::string url = server.server.url();
    const std::string port = url.substr(url.rfind(':') + 1);
    expect_error(
        [&] {
            HttpServer({"127.0.0.1", port});
        },
        ExitCode::environment, "cannot listen on 127.0.0.1:" + port, "");
    expect_error(
        [] {
            HttpServer({"no.such.host.invalid", "0"});
        },
        ExitCode::environment, "cannot listen on no.such.host.invalid:0", "");
}

// Whoever asks has an answer within a second, if the machine is not busy with something else all the time.
void expect_prompt_answer(const TestServer &server, const char *while_there_are) {
    std::chrono::milliseconds taken{};
    for (int attempt = 0; attempt < 5; ++attempt) {
        const auto begin = Clock::now();
        const TestClient client(server.server);
        client.say("GET /here HTTP/1.1\r\nHost: localhost\r\n\r\n");
        const bool is_good = client.hear(std::chrono::seconds(3)).starts_with("HTTP/1.1 200 ");
        taken = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
        if (is_good && taken < std::chrono::seconds(1))
            return;
    }
    ADD_FAILURE() << "no answer within a second, but " << taken.count() << " ms, with " << while_there_are;
}

TEST(HttpServer, OtherClientsDoNotMatter) {
    const std::string large(4 << 20, 'x');
    const TestServer server([&](const HttpRequest &request, bool) {
        return HttpAnswer{200, "text/plain", request.path == "/large" ? large : "small", 0};
    });
    std::list<TestClient> others;
    for (int i = 0; i < 200; ++i)
        others.emplace_back(server.server);
    expect_prompt_answer(server, "200 clients that say nothing");
    for (int i = 0; i < 200; ++i)
        others.emplace_back(server.server).say("GET /here HTTP/1.1\r\n");
    expect_prompt_answer(server, "200 clients that send half a request");
    std::atomic<bool> enough = false;
    std::thread slow([&] {
        while (!enough) {
            for (const TestClient &each : others)
                each.say("X");
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    });
    expect_prompt_answer(server, "400 clients that send a byte at a time");
    enough = true;
    slow.join();
    const std::string endless = "GET / HTTP/1.1\r\nX: " + std::string(1 << 20, 'x');
    for (int i = 0; i < 70; ++i)
        others.emplace_back(server.server).say(std::string_view(endless).substr(0, 100000));
    expect_prompt_answer(server, "70 clients whose request has no end");
    for (int i = 0; i < 70; ++i)
        others.emplace_back(server.server, 4096).say("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
    expect_prompt_answer(server, "70 clients that do not read");
}

TEST(HttpServer, ManyThatWaitAreNoReasonToWaitLonger) {
    const TestServer server([](const HttpRequest &, bool may_wait) {
        if (may_wait)
            std::this_thread::sleep_for(std::chrono::milliseconds(600));
        return HttpAnswer{may_wait ? 200 : 503, "text/plain", "", 0};
    });
    int good = 0;
    int refused = 0;
    for (int attempt = 0; attempt < 5 && good + refused != 150; ++attempt) { // all at once, if the machine can
        std::list<TestClient> clients;
        for (int i = 0; i < 150; ++i)
            clients.emplace_back(server.server).say("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        good = refused = 0;
        for (const TestClient &client : clients) {
            const std::string answer = client.hear();
            good += answer.starts_with("HTTP/1.1 200 ");
            refused += answer.starts_with("HTTP/1.1 503 ");
        }
    }
    EXPECT_EQ(good + refused, 150);
    EXPECT_GE(good, 1);
    EXPECT_GE(refused, 1); // for them it would have been the second time that a thread waits
}

} // namespace
} // namespace dbperf::client::metrics
