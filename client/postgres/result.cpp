#include "postgres/result.h"

#include "base/error.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <cstdlib>

namespace dbperf::client::postgres {
using namespace base;

namespace {

constexpr unsigned float4_type = 700; // of pg_type, the same on every server
constexpr unsigned float8_type = 701;

} // namespace

Result::Result(pg_result *owned) : result_(owned, PQclear) {}

int Result::rows() const {
    return PQntuples(result_.get());
}
int Result::columns() const {
    return PQnfields(result_.get());
}

std::string Result::column_name(int column) const {
    return PQfname(result_.get(), column);
}

bool Result::has_column(std::string_view name) const {
    for (int i = 0; i < columns(); ++i)
        if (name == PQfname(result_.get(), i))
            return true;
    return false;
}

int Result::column(std::string_view name) const {
    for (int i = 0; i < columns(); ++i)
        if (name == PQfname(result_.get(), i))
            return i;
    throw internal_error(fmt::format("the server's answer has no column \"{}\"", name));
}

bool Result::is_null(int row, std::string_view name) const {
    return PQgetisnull(result_.get(), row, column(name)) != 0;
}

Parameter Result::value(int row, int column) const {
    if (PQgetisnull(result_.get(), row, column) != 0)
        return std::nullopt;
    return PQgetvalue(result_.get(), row, column);
}

std::string Result::text(int row, int column) const {
    return PQgetvalue(result_.get(), row, column);
}
std::string Result::text(int row, std::string_view name) const {
    return text(row, column(name));
}

std::optional<double> Result::number(int row, std::string_view name) const {
    const Parameter found = value(row, column(name));
    if (!found)
        return std::nullopt;
    return std::strtod(found->c_str(), nullptr);
}

long long Result::integer(int row, std::string_view name) const {
    return std::atoll(text(row, name).c_str());
}
bool Result::boolean(int row, std::string_view name) const {
    return text(row, name) == "t";
}

long long Result::affected() const {
    const std::string_view count = PQcmdTuples(result_.get());
    return count.empty() ? 0 : std::atoll(count.data());
}

bool Result::is_floating(int column) const {
    const unsigned type = PQftype(result_.get(), column);
    return type == float4_type || type == float8_type;
}

} // namespace dbperf::client::postgres
