// Owns colours and the width of the page; knows nothing of what is shown.
#pragma once

#include "terminal/output_options.h"

#include <string>
#include <string_view>

namespace dbperf::client::terminal {

class Style {
public:
    // --color, then NO_COLOR, CLICOLOR_FORCE, PG_COLOR, then whether stdout is a terminal.
    static Style choose(ColorMode mode);

    std::string bold(std::string_view text) const { return wrap("1", text); }
    std::string dim(std::string_view text) const { return wrap("2", text); }
    std::string good(std::string_view text) const { return wrap("32", text); }
    std::string bad(std::string_view text) const { return wrap("31", text); }
    std::string doubtful(std::string_view text) const { return wrap("33", text); }

    int width() const { return width_; }

private:
    std::string wrap(std::string_view code, std::string_view text) const;

    bool colored_ = false;
    int width_ = 96;
};

// Text of others, made safe for a terminal and put on one line: control characters and runs of spaces become one space.
std::string one_line(std::string_view text);

// Columns a text takes on a terminal; escape sequences of Style take none.
int display_width(std::string_view text);

// Cut to the width, with "..." at the end.
std::string shorten(std::string_view text, int width);

} // namespace dbperf::client::terminal
