// Owns the signals that end the program: they set a flag and wake every poll(), so that clean-up runs in ordinary code.
#pragma once

#include <sys/types.h>

namespace dbperf::client::base {

void install_signal_handlers();

// A signal arrived and no shield is up.
bool interrupted();

// Readable from the moment a signal arrived; for poll() beside other descriptors.
int interrupt_descriptor();

void throw_if_interrupted();

// Sleeps, but ends early when a signal arrives (then it throws).
void interruptible_sleep_ms(int milliseconds);

// While one is alive, interrupted() is false: clean-up may use the same functions as the work it undoes.
class InterruptShield {
public:
    InterruptShield();
    ~InterruptShield();
    InterruptShield(const InterruptShield &) = delete;
    InterruptShield &operator=(const InterruptShield &) = delete;
};

// While one is alive, signals sent to this process alone are passed on to the child; those of a terminal reach it
// anyway. One that came while the child was being started is made up for.
class SignalForwarding {
public:
    explicit SignalForwarding(pid_t child);
    ~SignalForwarding();
    SignalForwarding(const SignalForwarding &) = delete;
    SignalForwarding &operator=(const SignalForwarding &) = delete;
};

} // namespace dbperf::client::base
