// Owns that passwords of connection strings appear nowhere: not in messages, not in the list of processes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace dbperf::client::base {

struct TextSpan {
    std::size_t begin = 0;
    std::size_t length = 0;
};

// Where passwords are in a URI or conninfo string. Of a URI that can be read in two ways the longer one.
std::vector<TextSpan> passwords_in(std::string_view connection_string);

// Whether a URI has signs in its password by which it would be read otherwise than it is meant: they must be encoded.
bool is_ambiguous_uri(std::string_view uri);

// From now on messages have "***" in place of the passwords in this connection string.
void conceal_passwords_of(std::string_view connection_string);

// The same for all arguments, which lose them. True when there were any.
bool conceal_arguments(int argc, char **argv);

std::string without_passwords(std::string text);

} // namespace dbperf::client::base
