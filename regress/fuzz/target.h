// What a fuzz target is made of: bytes read as choices, checks that end the program, and a name to be called by.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace fuzz {

// Choices out of bytes; zeros, once they are used up.
class Input {
public:
    explicit Input(std::string_view bytes) : bytes_(bytes) {}

    template <typename T>
    T number() {
        T value{};
        const std::size_t taken = std::min(sizeof(T), bytes_.size());
        std::memcpy(&value, bytes_.data(), taken);
        bytes_.remove_prefix(taken);
        return value;
    }
    uint8_t byte() { return number<uint8_t>(); }
    bool flag() { return (byte() & 1) != 0; }
    // From 0 to bound - 1, which is at most 65535.
    uint32_t below(uint32_t bound) { return (bound <= 256 ? byte() : number<uint16_t>()) % bound; }
    template <typename T, std::size_t size>
    const T &one_of(const T (&choices)[size]) {
        return choices[below(size)];
    }
    // Up to the next zero byte, which is left out.
    std::string_view word() {
        const std::string_view taken = bytes_.substr(0, bytes_.find('\0'));
        bytes_.remove_prefix(std::min(taken.size() + 1, bytes_.size()));
        return taken;
    }
    std::string_view rest() {
        const std::string_view taken = bytes_;
        bytes_ = {};
        return taken;
    }
    std::size_t left() const { return bytes_.size(); }

private:
    std::string_view bytes_;
};

// One of the parts that a target may have. The target is called as its file, NAME_fuzz.cpp; which part is run, the first
// byte of the input says.
struct Part {
    std::string_view target;
    std::string_view name;
    void (*run)(Input input);
    const Part *next;

    Part(std::string_view file, std::string_view called, void (*runs)(Input input));
};

// What does not hold, and the values that show it; ends the program.
[[noreturn]] void fail(const char *file, int line, const char *what, std::string_view shown = {});

} // namespace fuzz

#define FUZZ_CHECK(condition)                                                                                          \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            fuzz::fail(__FILE__, __LINE__, #condition);                                                                \
    } while (false)

// Shown: anything that makes a string of what was compared.
#define FUZZ_CHECK_SHOWN(condition, shown)                                                                             \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            fuzz::fail(__FILE__, __LINE__, #condition, shown);                                                         \
    } while (false)

// A function of one Input that is run with ever other bytes.
#define FUZZ_PART(name)                                                                                                \
    static void fuzz_##name(fuzz::Input input);                                                                        \
    static const fuzz::Part part_##name{__FILE__, #name, fuzz_##name};                                                 \
    static void fuzz_##name(fuzz::Input input)
