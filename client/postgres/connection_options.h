// Owns what the command line says about the server, as plain data.
#pragma once

#include <string>

namespace dbperf::client::postgres {

enum class PasswordMode { when_asked, never, always };

struct ConnectionOptions {
    std::string host;
    std::string port;
    std::string user;
    std::string database; // a name, a URI or a conninfo string, as psql's -d
    PasswordMode password = PasswordMode::when_asked;
};

} // namespace dbperf::client::postgres
