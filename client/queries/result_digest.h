// Owns distinguishing two results without keeping them: as multisets of rows, so that their order does not matter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dbperf::client::queries {

struct ResultDigest {
    long long rows = 0; // returned or changed
    int columns = 0;
    std::uint64_t sum = 0; // of the hashes of all rows, so that equal rows count as often as they come
    std::uint64_t mixed = 0;

    bool operator==(const ResultDigest &) const = default;
};

class ResultDigester {
public:
    explicit ResultDigester(int columns) { digest_.columns = columns; }

    // Nothing is NULL. Of a floating number nine digits count: its last ones depend on the order of a sum.
    void add_value(const std::optional<std::string> &value, bool floating);
    void end_row();
    ResultDigest digest() const { return digest_; }
    void set_rows(long long rows) { digest_.rows = rows; }

private:
    ResultDigest digest_;
    std::uint64_t row_ = 0;
};

// What differs, for people: "21 rows instead of 20", "4 columns instead of 3", "20 rows with other values".
std::string difference_in_words(const ResultDigest &before, const ResultDigest &after);

// A LIMIT without an ORDER BY at the top level of a query: which rows come is open.
bool leaves_rows_open(std::string_view sql);

} // namespace dbperf::client::queries
