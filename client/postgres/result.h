// The rows of an answer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct pg_result;

namespace dbperf::client::postgres {

using Parameter = std::optional<std::string>; // nothing is NULL

// Rows of one answer, all values as text.
class Result {
public:
    Result() = default;
    explicit Result(pg_result *owned);

    int rows() const;
    int columns() const;
    std::string column_name(int column) const;
    bool has_column(std::string_view name) const;
    bool is_null(int row, std::string_view name) const;
    Parameter value(int row, int column) const;
    std::string text(int row, int column) const; // NULL is ""
    std::string text(int row, std::string_view name) const;
    std::optional<double> number(int row, std::string_view name) const;
    long long integer(int row, std::string_view name) const; // NULL is 0
    long long affected() const;                              // rows that the statement returned or changed
    bool is_floating(int column) const;                      // real or double precision
    bool boolean(int row, std::string_view name) const;      // NULL is false

private:
    int column(std::string_view name) const; // throws an internal error when it does not exist

    std::shared_ptr<pg_result> result_;
};

} // namespace dbperf::client::postgres
