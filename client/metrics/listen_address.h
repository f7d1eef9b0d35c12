// Owns the address that is listened on, and who may be meant by asking there.
#pragma once

#include <string>
#include <string_view>

namespace dbperf::client::metrics {

struct ListenAddress {
    std::string host; // a name or an address; this machine alone by default
    std::string port;
};

// Whether a Host header, in lower case, can be meant for a server of this machine alone. A name with dots may be
// anybody's, who lets it point here (DNS rebinding); `own` is the one that was given.
bool is_local_host(std::string_view header, std::string_view own);

// "9630", ":9630", "0.0.0.0:9630", "[::1]:9630". Throws a usage error.
ListenAddress parse_listen_address(const std::string &text);

} // namespace dbperf::client::metrics
