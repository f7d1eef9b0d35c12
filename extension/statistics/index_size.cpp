#include "statistics/index_size.h"

#include <algorithm>
#include <cmath>

namespace dbperf::statistics {
namespace {

constexpr double page = 8192;
constexpr double page_header = 24 + 16; // and what a btree keeps at its end
constexpr double tuple_header = 8;
constexpr double line_pointer = 4;
constexpr double row_pointer = 6;
constexpr double longest_posting = 812; // a tenth of a page, aligned, without its line pointer
constexpr double inner_fill = 0.70;     // BTREE_NONLEAF_FILLFACTOR

double aligned(double bytes) {
    return std::ceil(bytes / 8) * 8;
}

// One key with so many rows, as it lies in leaves.
double bytes_of_key(const BtreeKey &key, double rows) {
    const double one = aligned(tuple_header + key.width);
    if (!key.deduplicates || rows < 2)
        return rows * (one + line_pointer);
    const double room = std::max(std::floor((longest_posting - one) / row_pointer), 1.0);
    const double full = std::floor(rows / room);
    const double rest = rows - full * room;
    double bytes = full * (aligned(one + room * row_pointer) + line_pointer);
    if (rest > 0)
        bytes += (rest <= 1 ? one * rest : aligned(one + rest * row_pointer)) + line_pointer;
    // A list is made only where it is smaller.
    return std::min(bytes, rows * (one + line_pointer));
}

double fanout(double width) {
    return std::max((page - page_header) * inner_fill / (aligned(tuple_header + width) + line_pointer), 2.0);
}

} // namespace

int btree_height(double pages, double width) {
    int height = 0;
    for (double level = std::max(pages - 1, 1.0); level > 1; level = std::ceil(level / fanout(width)))
        ++height;
    return height;
}

BtreeSize btree_size(const BtreeKey &key) {
    if (key.rows < 1)
        return {1, 0};
    const double distinct = std::clamp(key.distinct, 1.0, key.rows);
    // The average key has a broken number of rows: between two whole ones.
    const double each = key.rows / distinct;
    const double more = each - std::floor(each);
    const double bytes = distinct * ((1 - more) * bytes_of_key(key, std::floor(each)) +
                                     (more > 0 ? more * bytes_of_key(key, std::floor(each) + 1) : 0));
    // A leaf ends with the tuple that does not fit its fill factor any more.
    double level = std::ceil(bytes / ((page - page_header) * std::clamp(key.fill, 0.1, 1.0)));
    BtreeSize size{1 + level, 0};
    while (level > 1) {
        level = std::ceil(level / fanout(key.width));
        size.pages += level;
        ++size.height;
    }
    return size;
}

} // namespace dbperf::statistics
