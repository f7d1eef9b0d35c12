// Texts in the caller's memory: never beyond it, and never half a character at their end.
#include "core/text_writer.h"

#include <fuzz/target.h>

#include <string>
#include <vector>

#include "core/one_line.h"

using namespace dbperf::core;

FUZZ_PART(text_writer) {
    std::vector<char> memory(input.below(80));
    TextWriter writer(memory);
    std::string whole;
    std::vector<char> enough(1 << 16);
    TextWriter unbounded(enough);
    while (input.left() > 0) {
        const uint32_t what = input.below(3);
        if (what == 0) {
            const auto number = input.number<double>();
            writer.add_count(number);
            unbounded.add_count(number);
        } else {
            const std::string_view word = input.word();
            what == 1 ? writer.add(word) : writer.add_unescaped(word);
            what == 1 ? unbounded.add(word) : unbounded.add_unescaped(word);
        }
    }
    const std::string_view cut = writer.text(), all = unbounded.text();
    FUZZ_CHECK(cut.size() <= memory.size() && all.starts_with(cut));
    FUZZ_CHECK(cut.empty() || cut.size() == all.size() || (static_cast<unsigned char>(all[cut.size()]) & 0xC0) != 0x80);
}

FUZZ_PART(one_line) {
    std::string text(input.rest());
    const std::string before = text;
    text.resize(put_on_one_line(text));
    FUZZ_CHECK(text.size() <= before.size());
    std::string again = text;
    again.resize(put_on_one_line(again));
    FUZZ_CHECK_SHOWN(again == text, before);
    // All that is left out is white space.
    again = before;
    for (std::string *each : {&text, &again})
        std::erase_if(*each, [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; });
    FUZZ_CHECK_SHOWN(again == text, before);
}
