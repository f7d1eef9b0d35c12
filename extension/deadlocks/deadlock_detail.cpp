// The lines are "Process P waits for MODE on THING; blocked by process Q."; a translation may put Q before P.
#include "deadlocks/deadlock_detail.h"

#include "core/character.h"
#include "core/slice.h"

#include <array>

namespace dbperf::deadlocks {
using namespace core;

namespace {

constexpr size_t max_numbers = 8;

struct Line {
    std::array<uint32_t, max_numbers> numbers;
    size_t count;
    size_t bracketed; // of the numbers, in [] or ()
    char bracket;     // '[', '(' or, for a number/number pair, '/'
    int mode;
};

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int mode_called(std::string_view word) {
    for (int mode = 1; mode <= max_table_mode; ++mode)
        if (word == name_of_table_mode(mode))
            return mode;
    return 0;
}

// False when there are more numbers than any message of this kind has.
bool read_line(std::string_view text, Line *line) {
    *line = {};
    bool inside = false;
    for (size_t at = 0; at < text.size();) {
        if (is_digit(text[at])) {
            uint64_t number = 0;
            for (; at < text.size() && is_digit(text[at]) && number <= UINT32_MAX; ++at)
                number = number * 10 + static_cast<uint64_t>(text[at] - '0');
            if (line->count == max_numbers || number > UINT32_MAX)
                return false;
            line->numbers[line->count++] = static_cast<uint32_t>(number);
            line->bracketed += inside;
            if (at + 1 < text.size() && text[at] == '/' && is_digit(text[at + 1]))
                line->bracket = '/';
        } else if (is_letter(text[at])) {
            const size_t begin = at;
            while (at < text.size() && is_letter(text[at]))
                ++at;
            if (const int mode = mode_called(slice(text, begin, at - begin)))
                line->mode = mode;
        } else {
            if ((text[at] == '[' || text[at] == '(') && at + 1 < text.size() && is_digit(text[at + 1])) {
                inside = true;
                line->bracket = text[at];
            } else if (text[at] == ']' || text[at] == ')') {
                inside = false;
            }
            ++at;
        }
    }
    return line->count >= 2;
}

LockTag tag(LockType type, uint32_t field1, uint32_t field2 = 0, uint32_t field3 = 0, uint32_t field4 = 0,
            uint8_t method = 1) {
    return {field1, field2, field3, static_cast<uint16_t>(field4), type, method};
}

// The numbers between the two processes, innermost thing first: "page P of relation R of database D".
LockTag locked_thing(const Line &line, uint32_t database) {
    const uint32_t *number = line.numbers.data() + 1;
    const size_t count = line.count - 2;
    if (line.bracket == '[' && line.bracketed == 4 && count == 4)
        return tag(LockType::advisory, number[0], number[1], number[2], number[3], 2);
    if (line.bracket == '(' && line.bracketed == 2 && count == 4)
        return tag(LockType::tuple, number[3], number[2], number[0], number[1]);
    if (line.bracket == '/' && count == 2)
        return tag(LockType::virtual_transaction, number[0], number[1]);
    if (count == 1)
        return tag(LockType::transaction, number[0]);
    if (count == 2 && (number[1] == database || number[1] == 0))
        return tag(LockType::relation, number[1], number[0]);
    if (count == 2)
        return tag(LockType::speculative_token, number[1], number[0]);
    if (count == 3 && (number[2] == database || number[2] == 0))
        return tag(LockType::object, number[2], number[1], number[0]);
    return no_lock;
}

} // namespace

size_t read_wait_edges(std::string_view detail, uint32_t database, std::span<WaitEdge> edges) {
    size_t count = 0;
    bool forward = true;
    bool backward = true;
    while (!detail.empty()) {
        const size_t end = detail.find('\n');
        Line line;
        if (count == edges.size() || !read_line(slice(detail, 0, end), &line))
            return 0;
        edges[count++] = {static_cast<int32_t>(line.numbers[0]), static_cast<int32_t>(line.numbers[line.count - 1]),
                          locked_thing(line, database), line.mode};
        detail = end == std::string_view::npos ? std::string_view() : slice(detail, end + 1);
    }
    for (size_t i = 0; i < count; ++i) {
        const WaitEdge &next = edges[(i + 1) % count];
        forward = forward && edges[i].blocked_by == next.pid;
        backward = backward && edges[i].pid == next.blocked_by;
    }
    if (count == 0 || (!forward && !backward))
        return 0;
    // Two members look the same either way; the sentence begins with who waits in every translation but a few.
    if (!forward)
        for (WaitEdge &edge : edges.first(count)) {
            const int32_t waiter = edge.blocked_by;
            edge.blocked_by = edge.pid;
            edge.pid = waiter;
        }
    return count;
}

} // namespace dbperf::deadlocks
