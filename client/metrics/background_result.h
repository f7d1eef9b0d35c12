// Owns a thread that computes one thing again and again, once at a time, for whoever asks while others may wait for it
// no longer.
#pragma once

#include "base/error.h"

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <fcntl.h>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unistd.h>
#include <utility>

namespace dbperf::client::metrics {

// `compute` runs in the thread alone, and must end soon after a signal; it throws nothing.
template <typename Value>
class BackgroundResult {
public:
    explicit BackgroundResult(std::function<Value()> compute) : compute_(std::move(compute)) {
        if (pipe2(wake_.data(), O_CLOEXEC | O_NONBLOCK) != 0)
            throw base::internal_error("cannot create a pipe");
        thread_ = std::thread([this] { work(); });
    }
    ~BackgroundResult() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        asked_.notify_one();
        thread_.join();
        for (const int end : wake_)
            close(end);
    }
    BackgroundResult(const BackgroundResult &) = delete;
    BackgroundResult &operator=(const BackgroundResult &) = delete;

    // The number of the computation under way, or of one that begins now.
    std::uint64_t ask() {
        const std::lock_guard lock(mutex_);
        if (wanted_ == done_) {
            ++wanted_;
            asked_.notify_one();
        }
        return wanted_;
    }

    // Null while this computation is not done.
    std::shared_ptr<const Value> result(std::uint64_t number) {
        const std::lock_guard lock(mutex_);
        if (done_ < number)
            return nullptr;
        last_was_taken_ = true;
        return last_;
    }

    // What was done too late for everybody who asked for it, or null; with its age.
    std::pair<std::shared_ptr<const Value>, std::chrono::seconds> untaken() {
        const std::lock_guard lock(mutex_);
        if (last_was_taken_)
            return {};
        return {last_, std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - finished_)};
    }

    // Readable when something was done since the last quieten().
    int descriptor() const { return wake_[0]; }
    void quieten() {
        std::array<char, 64> bytes{};
        while (read(wake_[0], bytes.data(), bytes.size()) > 0) {
        }
    }

private:
    using Clock = std::chrono::steady_clock;

    void work() {
        std::unique_lock lock(mutex_);
        while (true) {
            asked_.wait(lock, [this] { return stopping_ || wanted_ > done_; });
            if (stopping_)
                return;
            lock.unlock();
            auto value = std::make_shared<const Value>(compute_());
            lock.lock();
            last_ = std::move(value);
            last_was_taken_ = false;
            finished_ = Clock::now();
            done_ = wanted_;
            const char byte = 1;
            [[maybe_unused]] const ssize_t written = write(wake_[1], &byte, 1);
        }
    }

    std::function<Value()> compute_;
    std::mutex mutex_;
    std::condition_variable asked_;
    std::uint64_t wanted_ = 0; // at most one more than done
    std::uint64_t done_ = 0;
    std::shared_ptr<const Value> last_;
    bool last_was_taken_ = true;
    Clock::time_point finished_;
    bool stopping_ = false;
    std::array<int, 2> wake_ = {-1, -1};
    std::thread thread_; // the last one: it uses all the others
};

} // namespace dbperf::client::metrics
