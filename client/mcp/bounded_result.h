// Owns how much of a result is sent at once: what does not fit is left off, named, and kept to be asked for.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace dbperf::client::mcp {

class KeptResults {
public:
    explicit KeptResults(std::size_t max_bytes) : max_bytes_(max_bytes) {}

    // As JSON of at most that size. What is too large is kept and has members "result", its id, and "left_off": a list
    // of "at" (a JSON pointer), "shown" and "of", in elements or members or, of a text, bytes.
    std::string bounded(nlohmann::ordered_json result);

    // What a kept result has at a place, from an element or byte on; nothing when it is not there.
    std::optional<std::string> more(const std::string &id, const std::string &at, std::size_t offset);

private:
    const nlohmann::ordered_json *find(const std::string &id) const;

    std::size_t max_bytes_;
    std::deque<std::pair<std::string, nlohmann::ordered_json>> kept_;
    std::size_t kept_bytes_ = 0;
    unsigned long long made_ = 0;
};

} // namespace dbperf::client::mcp
