// Memory handed in by the caller, handed out in parts: a search needs many arrays, and there is no allocation here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace dbperf::core {

class Arena {
public:
    explicit Arena(std::span<std::byte> memory) : next_(memory.data()), end_(memory.data() + memory.size()) {}

    // Zeroed, or empty when there is no room.
    template <typename T>
    std::span<T> take(size_t count) {
        const std::span<T> taken = take_as_is<T>(count);
        if (!taken.empty())
            std::memset(static_cast<void *>(taken.data()), 0, count * sizeof(T));
        return taken;
    }
    template <typename T>
    std::span<T> take_as_is(size_t count) {
        const auto address = reinterpret_cast<uintptr_t>(next_);
        const size_t skipped = (alignof(T) - address % alignof(T)) % alignof(T);
        const auto left = static_cast<size_t>(end_ - next_);
        if (left < skipped || (left - skipped) / sizeof(T) < count)
            return {};
        T *first = reinterpret_cast<T *>(next_ + skipped);
        next_ += skipped + count * sizeof(T);
        return {first, count};
    }
    size_t left() const { return static_cast<size_t>(end_ - next_); }

private:
    std::byte *next_;
    std::byte *end_;
};

} // namespace dbperf::core
