// Owns the one line on stderr that says what is going on; only on a terminal, never in a file or a CI log.
#pragma once

#include "terminal/output_options.h"

#include <string_view>

namespace dbperf::client::terminal {

class Progress {
public:
    explicit Progress(const OutputOptions &output);
    ~Progress();
    Progress(const Progress &) = delete;
    Progress &operator=(const Progress &) = delete;

    void show(std::string_view what);
    void clear();

private:
    bool visible_;
    bool shown_ = false;
};

} // namespace dbperf::client::terminal
