#include "server/private_server.h"

#include "base/error.h"
#include "base/file_text.h"
#include "base/interrupt.h"
#include "postgres/connection.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

namespace dbperf::client::server {
using namespace base;
using namespace postgres;
using namespace terminal;

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds start_patience{60};
constexpr std::chrono::seconds fast_stop_patience{30};
constexpr std::chrono::seconds immediate_stop_patience{10};

// Settings of a server whose data may be lost: nothing is synced to disk, the rest is as users run it.
constexpr std::array<const char *, 8> development_settings = {
    "shared_preload_libraries=dbperf",
    "listen_addresses=",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_wal_size=2GB",
    "track_io_timing=on",
    "unix_socket_permissions=0700",
};

std::string end_of_log(const std::string &log) {
    std::ifstream file(log);
    std::vector<std::string> reasons;
    for (std::string line; std::getline(file, line);)
        for (const char *level : {"FATAL:", "ERROR:", "HINT:", "PANIC:"})
            if (const std::size_t at = line.find(level); at != std::string::npos)
                reasons.push_back(std::string(trim(std::string_view(line).substr(at))));
    if (reasons.size() > 4)
        reasons.erase(reasons.begin(), reasons.end() - 4);
    return reasons.empty() ? "no reason in its log" : fmt::format("{}", fmt::join(reasons, "; "));
}

void initialize(const Installation &installation, const PrivateServer &server, const RunAs &as) {
    const ProgramResult result =
        run_program({installation.binaries + "/initdb", "--pgdata", server.data(), "--username=postgres",
                     "--auth=trust", "--no-sync", "--no-locale", "--encoding=UTF8", "--no-instructions"},
                    as);
    if (result.status != 0)
        throw environment_error(fmt::format("initdb failed: {}", trim(result.output)),
                                as.change
                                    ? fmt::format("the user {} must be able to enter {}; set TMPDIR to another folder",
                                                  as.name, server.root)
                                    : "");
}

std::vector<std::string> server_command(const Installation &installation, const PrivateServer &server,
                                        const PrivateServerRequest &request) {
    std::vector<std::string> command = {
        installation.binaries + "/postgres", "-D", server.data(), "-k", server.socket_directory, "-p", server.port};
    for (const char *setting : development_settings)
        command.insert(command.end(), {"-c", setting});
    for (const std::string &setting : request.settings)
        command.insert(command.end(), {"-c", setting});
    return command;
}

// A developer's own connection settings (PGHOSTADDR, PGOPTIONS, ...) must not reach a private server.
void forget_connection_settings() {
    std::vector<std::string> names;
    for (char **variable = environ; *variable != nullptr; ++variable) {
        const std::string_view name = std::string_view(*variable).substr(0, std::string_view(*variable).find('='));
        if (name.starts_with("PG") && name != "PG_CONFIG")
            names.emplace_back(name);
    }
    for (const std::string &name : names)
        unsetenv(name.c_str());
}

bool has_ended(pid_t process) {
    return waitpid(process, nullptr, WNOHANG) == process || !is_alive(process);
}

void wait_until_it_answers(const PrivateServer &server) {
    const auto end = Clock::now() + start_patience;
    const ConnectionTarget target = connection_target(server.conninfo());
    while (true) {
        if (has_ended(server.process))
            throw environment_error(fmt::format("the private server did not start: {}", end_of_log(server.log())));
        try {
            Connection::open(target);
            return;
        } catch (const DatabaseError &) {
            if (Clock::now() > end)
                throw environment_error(
                    fmt::format("the private server does not answer: {}", end_of_log(server.log())));
        }
        interruptible_sleep_ms(20);
    }
}

bool wait_for_end(pid_t process, std::chrono::seconds patience) {
    const auto end = Clock::now() + patience;
    while (!has_ended(process)) {
        if (Clock::now() > end)
            return false;
        poll(nullptr, 0, 10);
    }
    return true;
}

// Waits in a process of its own for the owner to go, and cleans up when it went without a word.
void guard(const PrivateServer &server, int owner) {
    setsid();
    for (const int number : {SIGINT, SIGTERM, SIGHUP})
        signal(number, SIG_IGN);
    // No terminal or pipe of the owner may be held open from here.
    for (int number = 0; number < 1024; ++number)
        if (number != owner)
            close(number);
    char word = 0;
    ssize_t length = 0;
    do
        length = read(owner, &word, 1);
    while (length < 0 && errno == EINTR);
    if (length == 0)
        stop_private_server(server);
    _exit(0);
}

} // namespace

PrivateServer start_private_server(const PrivateServerRequest &request, Progress &progress) {
    const Installation installation = find_installation(request.pg_config);
    const bool own_preload =
        std::any_of(request.settings.begin(), request.settings.end(),
                    [](const std::string &setting) { return setting.starts_with("shared_preload_libraries="); });
    if (!own_preload)
        require_module(installation);
    for (const std::string &setting : request.settings)
        if (setting.find('=') == std::string::npos)
            throw usage_error(fmt::format("\"{}\" is not NAME=VALUE", setting));

    forget_connection_settings();
    const RunAs as = unprivileged_user();
    PrivateServer server;
    server.version = installation.version;
    server.port = request.port.empty() ? "5432" : request.port;
    server.root = create_root(as);
    try {
        server.socket_directory = request.socket_directory.empty() ? server.root : request.socket_directory;
        require_socket_place(server.socket_directory, server.port);
        progress.show("creating a private server");
        initialize(installation, server, as);
        progress.show("starting the private server");
        server.process = start_program(server_command(installation, server, request), as, server.log(), server.root);
        wait_until_it_answers(server);
    } catch (...) {
        const InterruptShield shield;
        stop_private_server(server);
        throw;
    }
    progress.clear();
    return server;
}

bool is_running(const PrivateServer &server) {
    const pid_t process = locked_by(server);
    return process != 0 && is_alive(process);
}

void stop_private_server(const PrivateServer &server) {
    pid_t process = locked_by(server);
    if (process == 0 && server.directory.empty())
        process = server.process; // started by this very process and not yet so far as to lock its data
    if (process > 0 && !has_ended(process)) {
        kill(process, SIGINT);
        if (!wait_for_end(process, fast_stop_patience)) {
            kill(process, SIGQUIT);
            if (!wait_for_end(process, immediate_stop_patience))
                throw environment_error(fmt::format("the private server (pid {}) does not stop", process),
                                        fmt::format("its files are in {}", server.root));
        }
    }
    remove_root(server.root);
}

TemporaryServer::TemporaryServer(const PrivateServerRequest &request, Progress &progress)
    : server_(start_private_server(request, progress)) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return; // an unguarded server is still stopped by the destructor
    guard_ = fork();
    if (guard_ == 0)
        guard(server_, ends[0]);
    close(ends[0]);
    guard_pipe_ = ends[1];
}

void TemporaryServer::dismiss_guard() {
    if (guard_pipe_ < 0)
        return;
    [[maybe_unused]] const ssize_t written = write(guard_pipe_, "q", 1);
    close(guard_pipe_);
    guard_pipe_ = -1;
    if (guard_ > 0)
        waitpid(guard_, nullptr, 0);
}

void TemporaryServer::keep(const std::string &directory) {
    server_.directory = directory;
    remember_server(server_);
    kept_ = true;
}

TemporaryServer::~TemporaryServer() {
    const InterruptShield shield;
    dismiss_guard();
    if (kept_)
        return;
    try {
        stop_private_server(server_);
    } catch (const std::exception &error) {
        print_warning(error.what());
    }
}

} // namespace dbperf::client::server
