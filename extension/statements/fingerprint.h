// Fingerprint and normalised text of one statement, by the server's own scanner.
#pragma once

#include "core/pg.h"

namespace dbperf::statements {

struct Fingerprint {
    uint64 value;
    bool names_dbperf;     // something in that schema
    uint32 begins;         // where the part that counts begins in the text
    std::string_view text; // valid until the next call
};

// False when the text cannot be scanned; never raises. The query inside PREPARE, DECLARE, EXPLAIN or CREATE ... AS has
// the text of the whole statement; unless is_utility, only its own part counts.
bool fingerprint_of(std::string_view text, bool is_utility, Fingerprint *result);

// What a session executes as its normalised text, palloc'd: without constants. Of a text that was cut within one, or of
// which nobody knows how its strings are to be read, what stands before that.
char *without_constants(std::string_view text);

} // namespace dbperf::statements
