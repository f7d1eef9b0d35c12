// The life of one copy of a template: which event leads from which state to which. Knows no database and no lock.
#pragma once

#include <cstdint>
#include <string_view>

namespace dbperf::database_pool {

enum class CopyState : uint8_t {
    free,      // no copy
    creating,  // being made
    ready,     // equal to its template, nobody's
    leased,    // a session's
    ending,    // its lease has ended; what was written is not examined yet, or others are still connected
    recycling, // somebody examines it and puts it back
    dropping,  // to be dropped
    kept,      // nobody's, as a failed test left it, until there are too many of them
};

enum class CopyEvent : uint8_t {
    wanted,
    made,
    acquired,
    ended,      // released, its holder is gone, or somebody used it who did not hold it
    taken,      // by somebody who recycles it
    put_back,   // it equals its template
    still_used, // by connections that outlive the lease
    unusable,   // could not be made or put back; its template is gone or has changed
    dropped,
    withheld, // its holder wants to look at it later
};

// False, and *state as it was, for what cannot happen in this state.
constexpr bool advance(CopyState *state, CopyEvent event) {
    struct Step {
        CopyState from;
        CopyEvent event;
        CopyState to;
    };
    constexpr Step steps[] = {
        {CopyState::free, CopyEvent::wanted, CopyState::creating},
        {CopyState::creating, CopyEvent::made, CopyState::ready},
        {CopyState::creating, CopyEvent::unusable, CopyState::dropping},
        {CopyState::ready, CopyEvent::acquired, CopyState::leased},
        {CopyState::ready, CopyEvent::ended, CopyState::ending},
        {CopyState::ready, CopyEvent::unusable, CopyState::dropping},
        {CopyState::leased, CopyEvent::ended, CopyState::ending},
        {CopyState::leased, CopyEvent::unusable, CopyState::dropping},
        {CopyState::leased, CopyEvent::withheld, CopyState::kept},
        {CopyState::kept, CopyEvent::unusable, CopyState::dropping},
        {CopyState::ending, CopyEvent::taken, CopyState::recycling},
        {CopyState::ending, CopyEvent::unusable, CopyState::dropping},
        {CopyState::recycling, CopyEvent::put_back, CopyState::ready},
        {CopyState::recycling, CopyEvent::still_used, CopyState::ending},
        {CopyState::recycling, CopyEvent::unusable, CopyState::dropping},
        {CopyState::dropping, CopyEvent::dropped, CopyState::free},
    };
    for (const Step &step : steps)
        if (step.from == *state && step.event == event) {
            *state = step.to;
            return true;
        }
    return false;
}

constexpr std::string_view name_of(CopyState state) {
    constexpr std::string_view names[] = {"free",   "creating",  "ready",    "leased",
                                          "ending", "recycling", "dropping", "kept"};
    return names[static_cast<uint8_t>(state)];
}

} // namespace dbperf::database_pool
