// Owns the clock of an observation, and when the migration began and ended by it.
#pragma once

#include <chrono>
#include <limits>

namespace dbperf::client::blocking {

class Timeline {
public:
    // Milliseconds of the monotonic clock.
    double now_ms() const {
        return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - origin_).count();
    }

    double begin_ms = std::numeric_limits<double>::infinity(); // of the migration
    double end_ms = std::numeric_limits<double>::infinity();

private:
    std::chrono::steady_clock::time_point origin_ = std::chrono::steady_clock::now();
};

} // namespace dbperf::client::blocking
