// Requests and creates the registered areas through the shmem hooks.
#include "core/pg.h"

#include "core/shared_memory.h"

#include <array>

#include "core/guard.h"
#include "core/sql_version.h"

namespace dbperf::core::shared_memory {
namespace {

std::array<Area, 32> areas;
int area_count = 0;
LWLockPadded *locks = nullptr;
shmem_request_hook_type previous_request = nullptr;
shmem_startup_hook_type previous_startup = nullptr;

void request() {
    if (previous_request)
        previous_request();
    RequestAddinShmemSpace(total_size());
    RequestNamedLWLockTranche("dbperf", static_cast<int>(Lock::count));
}

void startup() {
    if (previous_startup)
        previous_startup();
    with_lock(AddinShmemInitLock, LW_EXCLUSIVE, [] {
        for (int i = 0; i < area_count; ++i) {
            const Area &area = areas[static_cast<size_t>(i)];
            bool found = false;
            void *memory = ShmemInitStruct(area.name, area.size(), &found);
            area.attach(memory, !found);
        }
        locks = GetNamedLWLockTranche("dbperf");
    });
}

} // namespace

void register_area(const Area &area) {
    areas[static_cast<size_t>(area_count++)] = area;
}

void install() {
    previous_request = shmem_request_hook;
    shmem_request_hook = request;
    previous_startup = shmem_startup_hook;
    shmem_startup_hook = startup;
}

bool available() {
    return locks != nullptr;
}

LWLock *lock(Lock which, uint32 part) {
    return &locks[static_cast<uint32>(which) + part].lock;
}

Size total_size() {
    Size total = 0;
    for (int i = 0; i < area_count; ++i)
        total = add_size(total, MAXALIGN(areas[static_cast<size_t>(i)].size()));
    return total;
}

void require_preloaded() {
    if (!available())
        ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                errmsg("dbperf is not loaded into this server"),
                errhint("Add dbperf to shared_preload_libraries and restart the server."));
}

void require_available() {
    require_preloaded();
    sql_version::require();
}

} // namespace dbperf::core::shared_memory
