// A bounded hash table in memory that processes share: entries by number, found by key. Knows neither locks nor what
// the entries count.
//
// Locking: the caller's. find() and visiting need its lock shared, add() and release() exclusive. An entry that is
// known by number and generation may be used without it, as far as the entry's owner allows: whoever finds another
// generation there holds an entry that has gone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "core/open_index.h"

namespace dbperf::core {

// Head is what the table counts as a whole. Entry has members `key`, without padding, and `generation`, 0 if it is
// free, and a static function hash_of(key); one whose size is a setting has a static function size(), too.
template <typename Head, typename Entry>
class SharedTable {
public:
    using Key = decltype(Entry::key);
    static_assert(std::has_unique_object_representations_v<Key>);
    static constexpr uint32_t none = OpenIndex::none;

    static size_t size(uint32_t capacity) {
        return entries_at + aligned(entry_size() * capacity) + OpenIndex::slots_for(capacity) * sizeof(uint32_t);
    }

    // In each process; `fresh` in the first one. Then all entries are free, and head and entries are for the caller to
    // initialise.
    void attach(void *memory, uint32_t capacity, bool fresh) {
        frame_ = static_cast<Frame *>(memory);
        entries_ = static_cast<char *>(memory) + entries_at;
        slots_ = reinterpret_cast<uint32_t *>(entries_ + aligned(entry_size() * capacity));
        if (!fresh)
            return;
        std::memset(memory, 0, entries_at);
        frame_->capacity = capacity;
        frame_->slots = OpenIndex::slots_for(capacity);
        index().clear();
        for (uint32_t i = 0; i < capacity; ++i)
            (*this)[i].generation = 0;
    }

    Head *operator->() const { return &frame_->head; }
    uint32_t capacity() const { return frame_->capacity; }
    uint32_t used() const { return frame_->used; }
    bool is_full() const { return frame_->used >= frame_->capacity; }
    Entry &operator[](uint32_t number) const { return *reinterpret_cast<Entry *>(entries_ + number * entry_size()); }

    uint32_t find(const Key &key) const {
        return index().find(Entry::hash_of(key),
                            [&](uint32_t entry) { return std::memcmp(&(*this)[entry].key, &key, sizeof(Key)) == 0; });
    }

    // The lowest free entry, with this key and a generation it never had; none if the table is full. The key must not
    // be in the table.
    uint32_t add(const Key &key) const {
        if (is_full())
            return none;
        uint32_t number = frame_->free_hint;
        while ((*this)[number].generation != 0)
            ++number;
        frame_->free_hint = number + 1;
        ++frame_->used;
        (*this)[number].key = key;
        renew(number);
        index().insert(Entry::hash_of(key), number);
        return number;
    }

    // Whoever knows the entry by its generation has to find it again.
    void renew(uint32_t number) const { (*this)[number].generation = next_generation(); }
    uint32_t next_generation() const {
        if (++frame_->last_generation == 0)
            ++frame_->last_generation;
        return frame_->last_generation;
    }

    void release(uint32_t number) const {
        index().erase(Entry::hash_of((*this)[number].key), number,
                      [this](uint32_t other) { return Entry::hash_of((*this)[other].key); });
        (*this)[number].generation = 0;
        --frame_->used;
        if (number < frame_->free_hint)
            frame_->free_hint = number;
    }

    // Entries that are in use, in the order of their numbers; visit may release the one it is given.
    template <typename Visit>
    void for_each(Visit visit) const {
        for (uint32_t i = 0; i < capacity(); ++i)
            if (Entry &entry = (*this)[i]; entry.generation != 0)
                visit(i, entry);
    }

    template <typename Goes>
    void release_if(Goes goes) const {
        for_each([&](uint32_t number, const Entry &entry) {
            if (goes(entry))
                release(number);
        });
    }

private:
    struct Frame {
        uint32_t capacity;
        uint32_t slots;
        uint32_t used;
        uint32_t free_hint; // no lower one is free
        uint32_t last_generation;
        Head head;
    };
    static_assert(std::is_standard_layout_v<Frame>);

    static constexpr size_t aligned(size_t bytes) { return (bytes + 7) & ~size_t{7}; }
    static constexpr size_t entries_at = aligned(sizeof(Frame));

    static constexpr size_t entry_size() {
        if constexpr (requires { Entry::size(); })
            return aligned(Entry::size());
        else
            return sizeof(Entry);
    }

    OpenIndex index() const { return OpenIndex({slots_, frame_->slots}); }

    Frame *frame_ = nullptr;
    char *entries_ = nullptr;
    uint32_t *slots_ = nullptr;
};

} // namespace dbperf::core
