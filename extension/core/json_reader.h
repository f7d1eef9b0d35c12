// A pull reader over one JSON text: values as slices, nothing allocated, nothing decoded but what is asked for.
// Made for EXPLAIN's output; on malformed input it stops and says so. An array ends, whatever its reader does: an
// element that was not read is malformed input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dbperf::core {

class JsonReader {
public:
    // `pause` is called now and then: a long text is to be interruptible.
    explicit JsonReader(std::string_view json, void (*pause)() = nullptr) : text_(json), pause_(pause) {}

    // Enters the object or array that begins here.
    bool enter(char bracket);
    // The next key of the object being read (raw, without quotes); false at its end, which is consumed.
    bool next_key(std::string_view *key);
    // Whether the array being read has another element; consumes its end if not.
    bool next_element();
    // The value that begins here as its raw slice; a string keeps its quotes.
    bool skip_value(std::string_view *raw = nullptr);
    // First character of the value that begins here; 0 at the end.
    char peek();
    bool failed() const { return failed_; }

private:
    void skip_space();
    bool read_string(std::string_view *raw);
    bool fail();

    std::string_view text_;
    void (*pause_)();
    size_t at_ = 0;
    size_t element_at_ = SIZE_MAX; // where the last element that was announced begins
    unsigned looks_ = 0;
    bool failed_ = false;
};

// The characters between the quotes of a raw string value, escapes untouched; empty for anything else.
std::string_view unquoted(std::string_view raw);

} // namespace dbperf::core
