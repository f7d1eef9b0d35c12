// The server's lock modes and what they lock, as numbers: which modes conflict, for tables and for rows.
//
// Source: the tables of chapter "Explicit Locking" of PostgreSQL's manual; numbers as in the server's lockdefs.h and
// lock.h, the same in all versions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace dbperf::core {

constexpr uint8_t max_table_mode = 8; // 1: AccessShareLock ... 8: AccessExclusiveLock

enum class LockType : uint8_t {
    relation,
    extension,
    frozen_ids,
    page,
    tuple,
    transaction,
    virtual_transaction,
    speculative_token,
    object,
    user,
    advisory,
    remote_transaction,
    none = 255
};

// What is locked, laid out as the server does it.
struct LockTag {
    uint32_t field1;
    uint32_t field2;
    uint32_t field3;
    uint16_t field4;
    LockType type;
    uint8_t method;

    friend bool operator==(const LockTag &a, const LockTag &b) = default;
};
static_assert(sizeof(LockTag) == 16);

constexpr LockTag no_lock{0, 0, 0, 0, LockType::none, 0};

// How a row is locked, weakest first. A row that was inserted belongs to its transaction alone.
enum class RowLockMode : uint8_t { none, key_share, share, no_key_update, update, insert };

constexpr bool table_modes_conflict(int one, int other) {
    constexpr std::array<uint16_t, max_table_mode + 1> conflicts = {0,     0x100, 0x180, 0x1e0, 0x1f0,
                                                                    0x1d8, 0x1f8, 0x1fc, 0x1fe};
    return one >= 1 && one <= max_table_mode && other >= 1 && other <= max_table_mode &&
           (conflicts[static_cast<size_t>(one)] >> other & 1) != 0;
}

constexpr bool row_modes_conflict(RowLockMode one, RowLockMode other) {
    const int weaker = static_cast<int>(one < other ? one : other);
    const int stronger = static_cast<int>(one < other ? other : one);
    if (weaker == 0)
        return false;
    // The two modes of a pair that get along add up to no more than share and share, or key share and no key update.
    return weaker + stronger > 4;
}

// As the server spells it; "" for no mode.
constexpr const char *name_of_table_mode(int mode) {
    constexpr std::array<const char *, max_table_mode + 1> names = {
        "",          "AccessShareLock",       "RowShareLock",  "RowExclusiveLock",   "ShareUpdateExclusiveLock",
        "ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"};
    return mode >= 0 && mode <= max_table_mode ? names[static_cast<size_t>(mode)] : "";
}

// As LOCK TABLE and the manual spell it; "none" for no mode.
constexpr const char *sql_name_of_table_mode(int mode) {
    constexpr std::array<const char *, max_table_mode + 1> names = {
        "none",  "ACCESS SHARE",        "ROW SHARE", "ROW EXCLUSIVE",   "SHARE UPDATE EXCLUSIVE",
        "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"};
    return mode >= 0 && mode <= max_table_mode ? names[static_cast<size_t>(mode)] : "none";
}

constexpr const char *name_of_row_mode(RowLockMode mode) {
    constexpr std::array<const char *, 6> names = {"",           "FOR KEY SHARE", "FOR SHARE", "FOR NO KEY UPDATE",
                                                   "FOR UPDATE", "INSERT"};
    return names[static_cast<size_t>(mode)];
}

} // namespace dbperf::core
