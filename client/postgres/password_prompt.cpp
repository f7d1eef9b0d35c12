#include "postgres/password_prompt.h"

#include "base/error.h"
#include "base/interrupt.h"

#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <string_view>
#include <termios.h>
#include <unistd.h>

namespace dbperf::client::postgres {
using namespace base;

namespace {

// The terminal with its echo off, put back when it goes.
class QuietTerminal {
public:
    QuietTerminal() : descriptor_(open("/dev/tty", O_RDWR | O_CLOEXEC)) {
        if (descriptor_ < 0 || tcgetattr(descriptor_, &before_) != 0)
            throw environment_error("a password is needed and there is no terminal to ask on",
                                    "use PGPASSWORD or a .pgpass file");
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        tcsetattr(descriptor_, TCSAFLUSH, &quiet);
    }
    ~QuietTerminal() {
        tcsetattr(descriptor_, TCSAFLUSH, &before_);
        close(descriptor_);
    }
    QuietTerminal(const QuietTerminal &) = delete;
    QuietTerminal &operator=(const QuietTerminal &) = delete;

    void write_text(std::string_view text) const {
        [[maybe_unused]] const ssize_t written = write(descriptor_, text.data(), text.size());
    }

    std::string read_line() const {
        std::string line;
        for (char next = 0;;) {
            pollfd waits[2] = {{descriptor_, POLLIN, 0}, {interrupt_descriptor(), POLLIN, 0}};
            poll(waits, 2, -1);
            throw_if_interrupted();
            if (read(descriptor_, &next, 1) != 1 || next == '\n')
                return line;
            line += next;
        }
    }

private:
    int descriptor_;
    termios before_{};
};

} // namespace

bool can_prompt() {
    return isatty(STDIN_FILENO) != 0;
}

const std::string &prompt_for_password() {
    static std::optional<std::string> password;
    if (!password) {
        const QuietTerminal terminal;
        terminal.write_text("Password: ");
        password = terminal.read_line();
        terminal.write_text("\n");
    }
    return *password;
}

} // namespace dbperf::client::postgres
