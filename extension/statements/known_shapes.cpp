#include "core/pg.h"

#include "statements/known_shapes.h"

#include <algorithm>
#include <array>

#include "core/compat.h"
#include "core/hash.h"
#include "core/settings.h"
#include "core/shared_memory.h"
#include "core/slice.h"

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

constexpr size_t longest_text = 8192;
constexpr size_t looked_at = 32; // bytes at the beginning by which a text is looked for

struct Recent {
    char *text;
    size_t room;
    size_t length; // 0: free
    bool backslashes;
    Skeleton skeleton; // its comment lies in `text`
    SkeletonStates states;
};

// Texts that begin alike, such as those of one table, share a set.
struct Set {
    std::array<Recent, 2> texts;
    uint32 next; // to give way
};
std::array<Set, 32> sets{};

Set &set_of(std::string_view text) {
    return sets[(hash_text(slice(text, 0, std::min(text.size(), looked_at))) + text.size() / 64) % sets.size()];
}

bool keep(Recent &recent, std::string_view text) {
    recent.length = 0;
    if (text.size() > longest_text)
        return false;
    if (recent.room < text.size()) {
        const size_t room = std::max<size_t>(256, text.size() + text.size() / 4);
        auto *grown = static_cast<char *>(MemoryContextAllocExtended(TopMemoryContext, room, MCXT_ALLOC_NO_OOM));
        if (!grown)
            return false;
        if (recent.text)
            pfree(recent.text);
        recent.text = grown;
        recent.room = room;
    }
    memcpy(recent.text, text.data(), text.size());
    recent.length = text.size();
    return true;
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

Skeleton skeleton_of(std::string_view text) {
    const bool backslashes = compat::backslash_escapes();
    Set &set = set_of(text);
    for (const Recent &recent : set.texts) {
        if (recent.length == 0 || recent.backslashes != backslashes)
            continue;
        const std::string_view seen(recent.text, recent.length);
        if (seen.size() == text.size() && memcmp(seen.data(), text.data(), text.size()) == 0) {
            Skeleton same = recent.skeleton;
            if (!same.comment.empty())
                same.comment = slice(text, static_cast<size_t>(same.comment.data() - recent.text), same.comment.size());
            return same;
        }
        if (const SkeletonState *state = common_state(recent.states, seen, text))
            return statements::skeleton_of(text, backslashes, key(), nullptr, state);
    }
    Recent &recent = set.texts[set.next++ % set.texts.size()];
    if (!keep(recent, text))
        return statements::skeleton_of(text, backslashes, key());
    recent.backslashes = backslashes;
    recent.skeleton = statements::skeleton_of({recent.text, recent.length}, backslashes, key(), &recent.states);
    Skeleton result = recent.skeleton;
    if (!result.comment.empty())
        result.comment = slice(text, static_cast<size_t>(result.comment.data() - recent.text), result.comment.size());
    return result;
}

} // namespace dbperf::statements::known_shapes
