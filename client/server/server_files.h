// Owns where a private server's files are and how it is remembered: server.json in a folder of the caller's,
// everything else in one temporary folder of the server's user.
#pragma once

#include "base/process.h"

#include <optional>
#include <string>
#include <string_view>

namespace dbperf::client::server {

struct PrivateServer {
    std::string directory; // of server.json; "" when it is not remembered
    std::string root;      // data, log and, unless given otherwise, the socket
    std::string socket_directory;
    std::string port;
    std::string version;
    pid_t process = 0;

    std::string data() const { return root + "/data"; }
    std::string log() const { return root + "/log"; }
    std::string conninfo(std::string_view database = "postgres") const;
};

// Where servers are remembered unless a folder is named.
std::string default_server_directory();

// The programs and folders of one PostgreSQL installation.
struct Installation {
    std::string pg_config;
    std::string binaries;
    std::string libraries;
    std::string version; // "PostgreSQL 15.20"
};

// From the given pg_config, else PG_CONFIG, else PATH. Throws when there is no server beside it.
Installation find_installation(const std::string &pg_config);

void require_module(const Installation &installation);

std::optional<PrivateServer> recall_server(const std::string &directory);
void remember_server(const PrivateServer &server);
void forget_server(const PrivateServer &server);

// The process of the data directory's own lock file, 0 when there is none.
pid_t locked_by(const PrivateServer &server);

// A new folder below TMPDIR or /tmp, owned by the server's user and closed to others.
std::string create_root(const base::RunAs &as);

void remove_root(const std::string &root);

// A socket's path has 107 bytes at most; also, no other server may be there.
void require_socket_place(const std::string &directory, const std::string &port);

} // namespace dbperf::client::server
