// Builds a text in the caller's memory. What does not fit is cut between characters, and the text says nothing of it.
#pragma once

#include <span>
#include <string_view>

namespace dbperf::core {

class TextWriter {
public:
    explicit TextWriter(std::span<char> memory) : memory_(memory) {}

    TextWriter &add(std::string_view text) {
        for (const char c : text)
            add(c);
        return *this;
    }

    // A slice of JSON without its escapes; \u stays as it is.
    TextWriter &add_unescaped(std::string_view text) {
        for (size_t i = 0; i < text.size(); ++i) {
            if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] != 'u')
                ++i;
            add(text[i]);
        }
        return *this;
    }

    // A count, rounded, with a comma before every third digit: 1,204. What is no number is 0.
    TextWriter &add_count(double value) {
        const auto whole = static_cast<unsigned long long>(value > 1e18 ? 1e18 : value > 0 ? value + 0.5 : 0);
        return add_digits(whole, 0);
    }

    std::string_view text() const { return {memory_.data(), used_}; }

private:
    void add(char c) {
        if (!full_ && used_ < memory_.size()) {
            memory_[used_++] = c;
            return;
        }
        if (full_)
            return;
        full_ = true;
        // A character of UTF-8 that lost its end goes too.
        if ((static_cast<unsigned char>(c) & 0xC0) == 0x80) {
            while (used_ > 0 && (static_cast<unsigned char>(memory_[used_ - 1]) & 0xC0) == 0x80)
                --used_;
            if (used_ > 0)
                --used_;
        }
    }

    TextWriter &add_digits(unsigned long long value, int place) {
        if (value >= 10)
            add_digits(value / 10, place + 1);
        add(static_cast<char>('0' + value % 10));
        if (place > 0 && place % 3 == 0)
            add(',');
        return *this;
    }

    std::span<char> memory_;
    size_t used_ = 0;
    bool full_ = false;
};

} // namespace dbperf::core
