// Owns a thread that computes one thing again and again, once at a time, for whoever asks while others may wait for it
// no longer.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace dbperf::client::metrics {

// `compute` runs in the thread alone, and must end soon after a signal; it throws nothing.
template <typename Value>
class BackgroundResult {
public:
    explicit BackgroundResult(std::function<Value()> compute) : compute_(std::move(compute)) {
        thread_ = std::thread([this] { work(); });
    }
    ~BackgroundResult() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        asked_.notify_one();
        thread_.join();
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

    // Null if this computation is not done within that time.
    std::shared_ptr<const Value> wait(std::uint64_t number, std::chrono::milliseconds time) {
        std::unique_lock lock(mutex_);
        if (!was_done_.wait_for(lock, time, [&] { return done_ >= number; }))
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
            was_done_.notify_all();
        }
    }

    std::function<Value()> compute_;
    std::mutex mutex_;
    std::condition_variable asked_;
    std::condition_variable was_done_;
    std::uint64_t wanted_ = 0; // at most one more than done
    std::uint64_t done_ = 0;
    std::shared_ptr<const Value> last_;
    bool last_was_taken_ = true;
    Clock::time_point finished_;
    bool stopping_ = false;
    std::thread thread_; // the last one: it uses all the others
};

} // namespace dbperf::client::metrics
