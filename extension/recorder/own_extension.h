// Whether this database has the extension, of the library's version, and whether what its schema holds is its own.
//
// The recorder is a superuser and writes by names. Those mean what the extension's script made of them as long as the
// schema is a member of the extension and whatever is in it belongs to superusers: nobody else can then add to it,
// rename it or put another in its place.
#pragma once

#include "core/pg.h"

namespace dbperf::recorder::own_extension {

enum class Standing : uint8_t { own, missing, other_version, foreign };

// Within SPI. Logs which version is installed, or what is not the extension's own.
Standing examine();

} // namespace dbperf::recorder::own_extension
