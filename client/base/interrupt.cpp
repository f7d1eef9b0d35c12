#include "base/interrupt.h"

#include "base/error.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace dbperf::client::base {
namespace {

constexpr std::array<int, 3> ending_signals = {SIGINT, SIGTERM, SIGHUP};

volatile std::sig_atomic_t signal_arrived = 0; // its number
volatile std::sig_atomic_t forward_to = 0;
int shields = 0;
int wake_pipe[2] = {-1, -1};

void on_signal(int number, siginfo_t *info, void *) {
    const int saved_errno = errno;
    signal_arrived = number;
    if (forward_to > 0 && (number != SIGINT || info->si_code <= 0))
        kill(static_cast<pid_t>(forward_to), number);
    const char byte = 1;
    [[maybe_unused]] const ssize_t written = write(wake_pipe[1], &byte, 1);
    errno = saved_errno;
}

} // namespace

void install_signal_handlers() {
    if (pipe2(wake_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        throw internal_error("cannot create a pipe for signals");
    struct sigaction action = {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigemptyset(&action.sa_mask);
    for (const int number : ending_signals)
        sigaction(number, &action, nullptr);
    signal(SIGPIPE, SIG_IGN);
}

bool interrupted() {
    return signal_arrived != 0 && shields == 0;
}

int interrupt_descriptor() {
    return shields == 0 ? wake_pipe[0] : -1;
}

void throw_if_interrupted() {
    if (interrupted())
        throw interrupted_error();
}

void interruptible_sleep_ms(int milliseconds) {
    pollfd wake = {interrupt_descriptor(), POLLIN, 0};
    poll(&wake, 1, milliseconds);
    throw_if_interrupted();
}

InterruptShield::InterruptShield() {
    ++shields;
}
InterruptShield::~InterruptShield() {
    --shields;
}

SignalForwarding::SignalForwarding(pid_t child) {
    forward_to = static_cast<std::sig_atomic_t>(child);
    if (interrupted())
        kill(child, signal_arrived);
}
SignalForwarding::~SignalForwarding() {
    forward_to = 0;
}

} // namespace dbperf::client::base
