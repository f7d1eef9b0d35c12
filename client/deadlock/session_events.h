// Owns the waiting for several sessions at once, of everything that steps them.
#pragma once

#include "base/interrupt.h"

#include <poll.h>
#include <vector>

namespace dbperf::client::deadlock {

// Waits until a busy session has something to read, or for that time; a signal is thrown. Then looks at each busy one.
// A session has `busy` and `connection`.
template <typename Sessions, typename Look>
void wait_for_sessions(Sessions &sessions, int timeout_ms, Look look) {
    std::vector<pollfd> waits = {{base::interrupt_descriptor(), POLLIN, 0}};
    for (const auto &session : sessions)
        if (session.busy)
            waits.push_back({session.connection.descriptor(), POLLIN, 0});
    poll(waits.data(), waits.size(), timeout_ms);
    base::throw_if_interrupted();
    for (auto &session : sessions)
        if (session.busy)
            look(session);
}

} // namespace dbperf::client::deadlock
