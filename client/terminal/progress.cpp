#include "terminal/progress.h"

#include "base/environment.h"
#include "terminal/style.h"

#include <cstdio>
#include <unistd.h>

namespace dbperf::client::terminal {
using namespace base;

Progress::Progress(const OutputOptions &output)
    : visible_(!output.quiet && isatty(STDERR_FILENO) != 0 && !process_environment("CI") &&
               process_environment("TERM").value_or("dumb") != "dumb") {}

Progress::~Progress() {
    clear();
}

void Progress::show(std::string_view what) {
    if (!visible_)
        return;
    std::fflush(stdout);
    std::fprintf(stderr, "\r\033[K%s", shorten(one_line(what), 76).c_str());
    std::fflush(stderr);
    shown_ = true;
}

void Progress::clear() {
    if (!shown_)
        return;
    std::fputs("\r\033[K", stderr);
    std::fflush(stderr);
    shown_ = false;
}

} // namespace dbperf::client::terminal
