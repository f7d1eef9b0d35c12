#include "metrics/listen_address.h"

#include "base/error.h"

#include <fmt/format.h>

#include <charconv>

namespace dbperf::client::metrics {
using namespace base;

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

} // namespace dbperf::client::metrics
