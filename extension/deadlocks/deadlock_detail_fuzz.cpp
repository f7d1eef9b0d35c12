// Details of deadlocks: those that the server would write are read back, any other text is bounded.
#include "deadlocks/deadlock_detail.h"

#include <fuzz/target.h>

#include <array>
#include <string>
#include <vector>

using namespace dbperf::core;
using namespace dbperf::deadlocks;

namespace {

constexpr uint32_t database = 16384;

struct Written {
    std::string text;
    LockTag lock;
};

// As the server's DescribeLockTag() words it.
Written thing(fuzz::Input &input) {
    const auto a = input.number<uint32_t>(), b = input.number<uint32_t>(), c = input.number<uint32_t>();
    const uint16_t d = input.number<uint16_t>();
    const auto text = [](auto number) { return std::to_string(number); };
    switch (input.below(6)) {
    case 0:
        return {"relation " + text(a) + " of database " + text(database), {database, a, 0, 0, LockType::relation, 1}};
    case 1:
        return {"tuple (" + text(a) + "," + text(d) + ") of relation " + text(b) + " of database " + text(c),
                {c, b, a, d, LockType::tuple, 1}};
    case 2:
        return {"transaction " + text(a), {a, 0, 0, 0, LockType::transaction, 1}};
    case 3:
        return {"virtual transaction " + text(a) + "/" + text(b), {a, b, 0, 0, LockType::virtual_transaction, 1}};
    case 4:
        return {"object " + text(a) + " of class " + text(b) + " of database " + text(database),
                {database, b, a, 0, LockType::object, 1}};
    default:
        return {"advisory lock [" + text(a) + "," + text(b) + "," + text(c) + "," + text(d) + "]",
                {a, b, c, d, LockType::advisory, 2}};
    }
}

} // namespace

FUZZ_PART(deadlock_detail) {
    const size_t members = 1 + input.below(12);
    std::vector<WaitEdge> wanted;
    std::string text;
    for (size_t i = 0; i < members; ++i) {
        const Written written = thing(input);
        const int mode = 1 + static_cast<int>(input.below(max_table_mode));
        const auto pid = static_cast<int32_t>(1000 + i), blocker = static_cast<int32_t>(1000 + (i + 1) % members);
        wanted.push_back({pid, blocker, written.lock, mode});
        text += (i ? "\nProcess " : "Process ") + std::to_string(pid) + " waits for " + name_of_table_mode(mode) +
                " on " + written.text + "; blocked by process " + std::to_string(blocker) + ".";
    }
    std::array<WaitEdge, 10> edges{};
    const size_t count = read_wait_edges(text, database, edges);
    FUZZ_CHECK_SHOWN(count == (members <= edges.size() ? members : 0), text);
    for (size_t i = 0; i < count; ++i)
        FUZZ_CHECK_SHOWN(edges[i].pid == wanted[i].pid && edges[i].blocked_by == wanted[i].blocked_by &&
                             edges[i].lock == wanted[i].lock && edges[i].mode == wanted[i].mode,
                         text);
}

FUZZ_PART(deadlock_detail_bytes) {
    std::vector<WaitEdge> edges(input.below(8));
    const std::string text(input.rest());
    const size_t count = read_wait_edges(text, database, edges);
    FUZZ_CHECK(count <= edges.size());
    for (size_t i = 0; i < count; ++i) {
        FUZZ_CHECK(edges[i].blocked_by == edges[(i + 1) % count].pid);
        // A number is read as it is written, or not at all.
        FUZZ_CHECK_SHOWN(text.find(std::to_string(static_cast<uint32_t>(edges[i].pid))) != std::string::npos, text);
        FUZZ_CHECK(edges[i].mode >= 0 && edges[i].mode <= max_table_mode);
    }
}
