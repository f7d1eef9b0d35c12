#include "core/pg.h"

#include "n_plus_one/named_scopes.h"

#include <algorithm>
#include <array>

#include "core/guard.h"
#include "core/hash.h"
#include "core/shared_memory.h"

namespace dbperf::n_plus_one::named_scopes {
using namespace core;

namespace {

constexpr uint32 parts = shared_memory::scope_parts;
constexpr size_t scopes_of_part = 32;
constexpr uint32 max_visitors = 16;

struct Scope {
    uint64 name; // 0: free
    Oid database;
    uint32 time; // how many times it was entered anew
    int members;
    bool finished;
    uint64 left_at;
    uint32 visitor_count;
    std::array<int, max_visitors> visitors; // of this time
};

using Part = std::array<Scope, scopes_of_part>;
std::array<Part, parts> *scopes = nullptr;

Size size() {
    return sizeof(*scopes);
}

void attach(void *memory, bool fresh) {
    scopes = static_cast<std::array<Part, parts> *>(memory);
    if (fresh)
        memset(memory, 0, sizeof(*scopes));
}

uint32 part_of(uint64 name) {
    return static_cast<uint32>(mix_bits(name ^ MyDatabaseId) % parts);
}

LWLock *lock_of(uint64 name) {
    return shared_memory::lock(shared_memory::Lock::scopes, part_of(name));
}

Scope *find(uint64 name) {
    for (Scope &scope : (*scopes)[part_of(name)])
        if (scope.name == name && scope.database == MyDatabaseId)
            return &scope;
    return nullptr;
}

// A free place, else the one left longest ago.
Scope &add(uint64 name) {
    Scope *chosen = nullptr;
    for (Scope &scope : (*scopes)[part_of(name)]) {
        if (scope.name == 0) {
            chosen = &scope;
            break;
        }
        if (!chosen || (scope.members == 0 && (chosen->members > 0 || scope.left_at < chosen->left_at)))
            chosen = &scope;
    }
    // Times go on counting, so that no identity comes twice.
    const uint32 time = chosen->time;
    *chosen = Scope{};
    chosen->name = name;
    chosen->database = MyDatabaseId;
    chosen->time = time;
    return *chosen;
}

bool visited(const Scope &scope) {
    const uint32 known = std::min(scope.visitor_count, max_visitors);
    return std::find(scope.visitors.begin(), scope.visitors.begin() + known, MyProcPid) !=
           scope.visitors.begin() + known;
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf named scopes", size, attach});
}

uint64 enter(uint64 name, uint64 now, uint64 gap) {
    return with_lock(lock_of(name), LW_EXCLUSIVE, [=] {
        Scope *known = find(name);
        Scope &scope = known ? *known : add(name);
        const bool seen = visited(scope);
        if (!known || scope.finished || (scope.members <= 0 && (seen || now > scope.left_at + gap))) {
            ++scope.time;
            scope.finished = false;
            scope.visitor_count = 0;
            scope.members = 0;
        }
        ++scope.members;
        if (!visited(scope)) {
            if (scope.visitor_count < max_visitors)
                scope.visitors[scope.visitor_count] = MyProcPid;
            ++scope.visitor_count;
        }
        return mix_bits(name ^ mix_bits(uint64{scope.time} << 32 | MyDatabaseId)) | 1;
    });
}

bool leave(uint64 name, uint64 now) {
    return with_lock(lock_of(name), LW_EXCLUSIVE, [=] {
        Scope *scope = find(name);
        if (!scope)
            return true;
        scope->members = std::max(0, scope->members - 1);
        scope->left_at = std::max(scope->left_at, now);
        return scope->members == 0;
    });
}

void finish(uint64 name) {
    with_lock(lock_of(name), LW_EXCLUSIVE, [=] {
        if (Scope *scope = find(name))
            scope->finished = true;
    });
}

} // namespace dbperf::n_plus_one::named_scopes
