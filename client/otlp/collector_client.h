// Owns the sending to a collector: each request ends within a bounded time, whatever the other side does, and on a
// signal. cpp-httplib is behind it.
#pragma once

#include "otlp/collector_address.h"

#include <string>
#include <utility>
#include <vector>

namespace dbperf::client::otlp {

class CollectorClient {
public:
    CollectorClient(CollectorAddress address, std::vector<std::pair<std::string, std::string>> headers)
        : address_(std::move(address)), headers_(std::move(headers)) {}

    // Sends JSON to the path, as "/v1/traces", and gives the answer's body. Once more when the collector says that it
    // cannot take it now. Throws an environment error.
    std::string post(const std::string &path, const std::string &body);

private:
    struct Answer;
    Answer ask(const std::string &path, const std::string &body) const;

    CollectorAddress address_;
    std::vector<std::pair<std::string, std::string>> headers_;
};

} // namespace dbperf::client::otlp
