// Owns the life of a private server: initialise, start, wait until it answers, stop, remove.
#pragma once

#include "server/server_files.h"
#include "terminal/progress.h"

#include <string>
#include <vector>

namespace dbperf::client::server {

struct PrivateServerRequest {
    std::string pg_config;
    std::string socket_directory;      // "": the server's own temporary folder
    std::string port;                  // "": 5432, which only names the socket
    std::vector<std::string> settings; // name=value, after dbperf's own
};

// Throws when it does not come up, with the end of its log; nothing is left behind then.
PrivateServer start_private_server(const PrivateServerRequest &request, terminal::Progress &progress);

// Stops it by the process id in its own data directory and removes its files. A server that is gone already is no
// error.
void stop_private_server(const PrivateServer &server);

bool is_running(const PrivateServer &server);

// A private server that lives as long as this object: gone after an error, a signal, and when this process is killed
// outright.
class TemporaryServer {
public:
    TemporaryServer(const PrivateServerRequest &request, terminal::Progress &progress);
    ~TemporaryServer();
    TemporaryServer(const TemporaryServer &) = delete;
    TemporaryServer &operator=(const TemporaryServer &) = delete;

    const PrivateServer &server() const { return server_; }
    // From now on it stays, and `dbperf server stop` ends it.
    void keep(const std::string &directory);

private:
    void dismiss_guard();

    PrivateServer server_;
    pid_t guard_ = 0;
    int guard_pipe_ = -1;
    bool kept_ = false;
};

} // namespace dbperf::client::server
