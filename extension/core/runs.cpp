// The run registry; see the header for its locking contract.
#include "core/pg.h"

#include "core/runs.h"

#include "core/compat.h"
#include "core/guard.h"
#include "core/settings.h"
#include "core/shared_memory.h"

namespace dbperf::core::runs {

Cache cache{no_run, 0};
pg_atomic_uint32 *generation = nullptr;

namespace {

struct Losses {
    pg_atomic_uint32 run;
    std::array<pg_atomic_uint64, loss_count> counts;
};

struct Registry {
    pg_atomic_uint32 generation;
    uint32 last_id;
    uint32 resets;
    Run runs[max_runs];
    Losses losses[max_runs]; // of the run in the same place
};
static_assert(std::is_standard_layout_v<Registry> && std::is_trivially_copyable_v<Run>);

// Which run a process found to be its own, for those who observe it from outside. Written by the process itself, when
// it looks its run up; without pid while it is being written.
struct Member {
    volatile int32 pid;
    volatile uint32 generation;
    volatile uint32 run;
    volatile bool labelled;
};

Registry *registry = nullptr;
Member *members = nullptr;
uint32 joined_version = UINT32_MAX; // of settings::run when this session last belonged to a run by its label

Size size() {
    return add_size(MAXALIGN(sizeof(Registry)), mul_size(sizeof(Member), static_cast<Size>(MaxBackends)));
}

void attach(void *memory, bool fresh) {
    registry = static_cast<Registry *>(memory);
    generation = &registry->generation;
    members = reinterpret_cast<Member *>(static_cast<char *>(memory) + MAXALIGN(sizeof(Registry)));
    if (fresh) {
        memset(static_cast<void *>(members), 0, sizeof(Member) * static_cast<Size>(MaxBackends));
        memset(static_cast<void *>(registry), 0, sizeof(Registry));
        pg_atomic_init_u32(&registry->generation, 1);
        for (Losses &losses : registry->losses) {
            pg_atomic_init_u32(&losses.run, no_run);
            for (pg_atomic_uint64 &count : losses.counts)
                pg_atomic_init_u64(&count, 0);
        }
    }
}

LWLock *registry_lock() {
    return shared_memory::lock(shared_memory::Lock::runs);
}

void changed() {
    if (pg_atomic_add_fetch_u32(generation, 1) == 0)
        pg_atomic_write_u32(generation, 1);
}

Losses &losses_of(const Run &run) {
    return registry->losses[&run - registry->runs];
}

void copy(const Run &run, Run *into) {
    *into = run;
    for (size_t i = 0; i < loss_count; ++i)
        into->lost[i] = pg_atomic_read_u64(&losses_of(run).counts[i]);
}

Run *find_open(const char *label) {
    for (Run &run : registry->runs)
        if (run.id != no_run && !run.closing && strcmp(run.label, label) == 0)
            return &run;
    return nullptr;
}

Run *find_server_wide() {
    for (Run &run : registry->runs)
        if (run.id != no_run && !run.closing && run.server_wide)
            return &run;
    return nullptr;
}

bool session_has_label() {
    return settings::run && settings::run[0] != '\0';
}

void publish() {
    const int number = compat::number_of_process();
    if (number < 0 || number >= MaxBackends)
        return;
    Member &member = members[number];
    member.pid = 0;
    pg_write_barrier();
    member.generation = settings::known_run_generation;
    member.run = cache.id;
    member.labelled = session_has_label();
    pg_write_barrier();
    member.pid = MyProcPid;
}

void make_uuid(pg_uuid_t *uuid) {
    if (!pg_strong_random(uuid->data, UUID_LEN))
        memset(uuid->data, 0, UUID_LEN);
    uuid->data[6] = static_cast<unsigned char>((uuid->data[6] & 0x0f) | 0x40);
    uuid->data[8] = static_cast<unsigned char>((uuid->data[8] & 0x3f) | 0x80);
}

Outcome add(const char *label, const char *attributes, bool server_wide, Run *started) {
    const Run *in_way = find_open(label);
    if (!in_way && server_wide)
        in_way = find_server_wide();
    if (in_way) {
        if (started)
            copy(*in_way, started);
        return Outcome::exists;
    }
    for (Run &run : registry->runs) {
        if (run.id != no_run)
            continue;
        memset(static_cast<void *>(&run), 0, sizeof(Run));
        strlcpy(run.label, label, label_size);
        strlcpy(run.attributes, attributes, attributes_size);
        run.encoding = GetDatabaseEncoding();
        run.server_wide = server_wide;
        run.started_at = GetCurrentTimestamp();
        make_uuid(&run.uuid);
        run.id = ++registry->last_id;
        for (pg_atomic_uint64 &count : losses_of(run).counts)
            pg_atomic_write_u64(&count, 0);
        pg_atomic_write_u32(&losses_of(run).run, run.id);
        changed();
        if (started)
            *started = run;
        return Outcome::done;
    }
    return Outcome::full;
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf runs", size, attach});
}

uint32 look_up_current() {
    settings::known_run_generation = pg_atomic_read_u32(generation);
    cache.id = with_lock(registry_lock(), LW_SHARED, [] {
        cache.resets = registry->resets;
        const Run *run = session_has_label() ? find_open(settings::run) : find_server_wide();
        return run ? run->id : no_run;
    });
    // A session whose run was finished does not begin it anew by going on: it says so by setting its label again. And
    // only one whose label may do so.
    if (cache.id == no_run && session_has_label() && settings::run_may_begin && joined_version != settings::run_version)
        cache.id = with_lock(registry_lock(), LW_EXCLUSIVE, [] {
            const Run *run = find_open(settings::run);
            if (!run && add(settings::run, "{}", false, nullptr) == Outcome::done)
                run = find_open(settings::run);
            return run ? run->id : no_run;
        });
    // Beginning a run has moved the generation on.
    settings::known_run_generation = pg_atomic_read_u32(generation);
    if (cache.id != no_run && session_has_label())
        joined_version = settings::run_version;
    publish();
    return cache.id;
}

uint32 current_id() {
    if (current_is_known())
        return cache.id;
    const uint32 resets = cache.resets;
    const uint32 id = look_up_current();
    cache.resets = resets;
    settings::known_run_generation = 0;
    return id;
}

Outcome start(const char *label, const char *attributes, bool server_wide, Run *started) {
    return with_lock(registry_lock(), LW_EXCLUSIVE, [=] { return add(label, attributes, server_wide, started); });
}

Outcome begin_closing(const char *label, Run *closing) {
    if (!label && session_has_label())
        label = settings::run;
    return with_lock(registry_lock(), LW_EXCLUSIVE, [=] {
        Run *run = label ? find_open(label) : find_server_wide();
        if (!run)
            return Outcome::unknown;
        run->closing = true;
        run->finished_at = GetCurrentTimestamp();
        changed();
        copy(*run, closing);
        return Outcome::done;
    });
}

void remove(uint32 id) {
    with_lock(registry_lock(), LW_EXCLUSIVE, [id] {
        for (Run &run : registry->runs)
            if (run.id == id)
                run.id = no_run;
        changed();
    });
}

void reset() {
    with_lock(registry_lock(), LW_EXCLUSIVE, [] {
        for (Run &run : registry->runs)
            run.id = no_run;
        ++registry->resets;
        changed();
    });
}

int list(Run *into) {
    return with_lock(registry_lock(), LW_SHARED, [into] {
        int count = 0;
        for (const Run &run : registry->runs)
            if (run.id != no_run)
                copy(run, &into[count++]);
        return count;
    });
}

bool find(uint32 id, Run *into) {
    return with_lock(registry_lock(), LW_SHARED, [=] {
        for (const Run &run : registry->runs) {
            if (run.id == id && id != no_run) {
                copy(run, into);
                return true;
            }
        }
        return false;
    });
}

bool any_open() {
    return with_lock(registry_lock(), LW_SHARED, [] {
        for (const Run &run : registry->runs)
            if (run.id != no_run && !run.closing)
                return true;
        return false;
    });
}

uint32 of_process(int number, int pid) {
    const Member &member = members[number];
    const int32 before = member.pid;
    pg_read_barrier();
    const uint32 known = member.generation;
    const uint32 run = member.run;
    const bool labelled = member.labelled;
    pg_read_barrier();
    const bool is_known = before == pid && member.pid == pid;
    if (is_known && known == pg_atomic_read_u32(generation))
        return run;
    return with_lock(registry_lock(), LW_SHARED, [=] {
        if (!is_known || !labelled) {
            const Run *of_server = find_server_wide();
            return of_server ? of_server->id : no_run;
        }
        for (const Run &each : registry->runs)
            if (each.id == run && !each.closing)
                return run;
        return no_run;
    });
}

bool is_open(uint32 id) {
    if (id == no_run)
        return true;
    // Nothing was closed since this session looked its run up. What the caller read before is older than this.
    pg_read_barrier();
    if (id == cache.id && current_is_known())
        return true;
    return with_lock(registry_lock(), LW_SHARED, [id] {
        for (const Run &run : registry->runs)
            if (run.id == id)
                return !run.closing;
        return false;
    });
}

const char *name_of(Loss loss) {
    switch (loss) {
    case Loss::executions:
        return "executions";
    case Loss::texts:
        return "texts";
    case Loss::plans:
        return "plans";
    case Loss::findings:
        return "findings";
    case Loss::parameters:
        return "parameters";
    case Loss::lock_traces:
        return "lock_traces";
    case Loss::records:
        return "records";
    case Loss::units:
        return "units";
    case Loss::lock_waits:
        return "lock_waits";
    case Loss::count:
        break;
    }
    return "unknown";
}

void count_lost(uint32 id, Loss what) {
    if (id == no_run)
        return;
    static size_t place = 0; // of the run that lost something last
    for (size_t i = 0; i < max_runs; ++i) {
        Losses &losses = registry->losses[(place + i) % max_runs];
        if (pg_atomic_read_u32(&losses.run) != id)
            continue;
        pg_atomic_fetch_add_u64(&losses.counts[static_cast<size_t>(what)], 1);
        place = (place + i) % max_runs;
        return;
    }
}

char *lost_as_json(const Run &run) {
    StringInfoData text;
    initStringInfo(&text);
    for (size_t i = 0; i < loss_count; ++i)
        if (run.lost[i] != 0)
            appendStringInfo(&text, "%s\"%s\": " UINT64_FORMAT, text.len > 0 ? ", " : "", name_of(static_cast<Loss>(i)),
                             run.lost[i]);
    return psprintf("{%s}", text.data);
}

} // namespace dbperf::core::runs
