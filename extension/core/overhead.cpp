#include "core/pg.h"

#include "core/overhead.h"

#include "core/shared_memory.h"

namespace dbperf::core::overhead {
namespace {

struct Shared {
    pg_atomic_uint64 samples;
    pg_atomic_uint64 time;
};

Shared *shared = nullptr;

Size size() {
    return sizeof(Shared);
}

void attach(void *memory, bool fresh) {
    shared = static_cast<Shared *>(memory);
    if (!fresh)
        return;
    pg_atomic_init_u64(&shared->samples, 0);
    pg_atomic_init_u64(&shared->time, 0);
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf own time", size, attach});
}

[[gnu::noinline]] void add(uint64 nanoseconds) {
    pg_atomic_fetch_add_u64(&shared->samples, 1);
    pg_atomic_fetch_add_u64(&shared->time, static_cast<int64>(nanoseconds));
}

State state() {
    return {pg_atomic_read_u64(&shared->samples), pg_atomic_read_u64(&shared->time)};
}

void reset() {
    pg_atomic_write_u64(&shared->samples, 0);
    pg_atomic_write_u64(&shared->time, 0);
}

} // namespace dbperf::core::overhead
