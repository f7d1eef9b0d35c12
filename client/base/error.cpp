#include "base/error.h"

#include "base/secret.h"

#include <cstdio>
#include <utility>

namespace dbperf::client::base {

Error::Error(ExitCode code, const std::string &message, std::string hint)
    : std::runtime_error(message), code_(code), hint_(std::move(hint)) {}

Error usage_error(const std::string &message, std::string hint) {
    return {ExitCode::usage, message, std::move(hint)};
}

Error environment_error(const std::string &message, std::string hint) {
    return {ExitCode::environment, message, std::move(hint)};
}

Error internal_error(const std::string &message) {
    return {ExitCode::internal, message,
            "this is a bug in dbperf; please report it with the command line that led here"};
}

Error interrupted_error() {
    return {ExitCode::interrupted, "interrupted"};
}

void print_error(const std::string &message, const std::string &hint) {
    std::fflush(stdout);
    std::fprintf(stderr, "dbperf: %s\n", without_passwords(message).c_str());
    if (!hint.empty())
        std::fprintf(stderr, "hint: %s\n", without_passwords(hint).c_str());
}

void print_warning(const std::string &message) {
    std::fflush(stdout);
    std::fprintf(stderr, "dbperf: warning: %s\n", without_passwords(message).c_str());
}

} // namespace dbperf::client::base
