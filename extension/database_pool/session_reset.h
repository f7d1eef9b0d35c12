// What a session of a test database leaves behind in itself, as DISCARD ALL sees it.
#pragma once

namespace dbperf::database_pool::session_reset {

// Cursors read pages; none may be open while those are put back.
void close_cursors();

// Settings, role, advisory locks, temporary tables, sequences' caches, LISTEN, and statements prepared by SQL. Those
// that a driver has prepared in the protocol are the driver's: it would not know that they are gone.
void discard();

} // namespace dbperf::database_pool::session_reset
