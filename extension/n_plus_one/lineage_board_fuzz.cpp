// The board of values, against all that was entered.
#include "n_plus_one/lineage_board.h"

#include <fuzz/target.h>

#include <array>
#include <set>
#include <tuple>
#include <vector>

using namespace dbperf::n_plus_one;

FUZZ_PART(lineage_board) {
    std::vector<BoardBucket> buckets(LineageBoard::buckets_in(0));
    LineageBoard board(buckets.data(), LineageBoard::buckets_in(0));
    std::set<std::tuple<uint64_t, uint32_t, uint8_t, uint8_t, uint16_t>> entered;
    uint32_t serial = input.number<uint32_t>();
    while (input.left() > 0) {
        const uint32_t what = input.byte();
        const uint64_t key = board_key(input.byte() & 31u, 1);
        serial += (what & 1u);
        serial += serial == 0;
        const ValueReference reference{serial, static_cast<uint16_t>(what), static_cast<uint8_t>(what >> 1 & 7u),
                                       static_cast<uint8_t>(what >> 4 & 3u)};
        const bool is_new = board.put(key, reference);
        entered.insert({key, serial, reference.column, reference.statement, reference.row});
        std::array<ValueReference, LineageBoard::max_found> found{};
        const size_t count = board.find(key, &found);
        FUZZ_CHECK(count <= LineageBoard::max_found && board.knows(key) && (count > 0 || is_new));
        for (size_t i = 0; i < count; ++i) {
            FUZZ_CHECK(entered.contains({key, found[i].serial, found[i].column, found[i].statement, found[i].row}));
            FUZZ_CHECK(i == 0 || found[i - 1].column <= found[i].column);
        }
    }
}
