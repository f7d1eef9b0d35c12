// Owns how a collector is named: its URL, and headers as OpenTelemetry's own variable has them.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace dbperf::client::otlp {

struct CollectorAddress {
    std::string origin; // "http://collector:4318"
    std::string path;   // before /v1/traces and /v1/logs; "" or "/otlp"
};

// Throws a usage error. Without a port it is OTLP's own for http, 443 for https.
CollectorAddress parse_collector_address(const std::string &url);

// "key=value,key=value", the values URL-encoded. Throws a usage error, which shows no value.
std::vector<std::pair<std::string, std::string>> parse_headers(const std::string &text);

} // namespace dbperf::client::otlp
