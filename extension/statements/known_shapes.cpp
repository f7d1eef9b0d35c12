#include "core/pg.h"

#include "statements/known_shapes.h"

#include "core/hash.h"
#include "core/settings.h"
#include "core/shared_memory.h"

namespace dbperf::statements::known_shapes {
using namespace core;

namespace {

constexpr uint32 ways = 4; // one cache line

struct Slot {
    pg_atomic_uint64 check; // key ^ fingerprint
    pg_atomic_uint64 fingerprint;
};

struct Bucket {
    Slot slots[ways];
};

SkeletonKey *skeleton_words = nullptr;
Bucket *buckets = nullptr;
uint32 bucket_count = 0; // a power of two

// For four times the statements that are remembered.
uint32 wanted_buckets() {
    uint32 count = 16;
    while (count < static_cast<uint32>(settings::max_statements))
        count *= 2;
    return count;
}

Size size() {
    return sizeof(SkeletonKey) + PG_CACHE_LINE_SIZE + mul_size(wanted_buckets(), sizeof(Bucket));
}

void attach(void *memory, bool fresh) {
    skeleton_words = static_cast<SkeletonKey *>(memory);
    buckets = reinterpret_cast<Bucket *>(TYPEALIGN(PG_CACHE_LINE_SIZE, skeleton_words + 1));
    bucket_count = wanted_buckets();
    if (!fresh)
        return;
    // Without a strong source it can be guessed by who knows when the server started.
    if (!pg_strong_random(skeleton_words, sizeof *skeleton_words))
        *skeleton_words =
            skeleton_key(static_cast<uint64>(GetCurrentTimestamp()) ^ (uint64{static_cast<uint32>(MyProcPid)} << 40));
    for (uint32 i = 0; i < bucket_count; ++i)
        for (Slot &slot : buckets[i].slots) {
            pg_atomic_init_u64(&slot.check, 0);
            pg_atomic_init_u64(&slot.fingerprint, 0);
        }
}

uint64 key_of(uint64 skeleton) {
    return mix_bits(skeleton ^ (uint64{MyDatabaseId} << 32)) | 1;
}

Bucket &bucket_of(uint64 key) {
    return buckets[(key >> 32) & (bucket_count - 1)];
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf known shapes", size, attach});
}

const SkeletonKey &key() {
    return *skeleton_words;
}

uint64 find(uint64 skeleton) {
    const uint64 key = key_of(skeleton);
    for (Slot &slot : bucket_of(key).slots) {
        const uint64 fingerprint = pg_atomic_read_u64(&slot.fingerprint);
        if (fingerprint != 0 && (pg_atomic_read_u64(&slot.check) ^ fingerprint) == key)
            return fingerprint;
    }
    return 0;
}

void add(uint64 skeleton, uint64 fingerprint) {
    const uint64 key = key_of(skeleton);
    Bucket &bucket = bucket_of(key);
    Slot *chosen = &bucket.slots[(key >> 1) % ways];
    for (Slot &slot : bucket.slots)
        if (pg_atomic_read_u64(&slot.fingerprint) == 0) {
            chosen = &slot;
            break;
        }
    pg_atomic_write_u64(&chosen->fingerprint, fingerprint);
    pg_atomic_write_u64(&chosen->check, key ^ fingerprint);
}

} // namespace dbperf::statements::known_shapes
