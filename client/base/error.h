// Owns the errors a command may end with and the exit codes they stand for; knows nothing of what went wrong inside.
#pragma once

#include <stdexcept>
#include <string>

namespace dbperf::client::base {

// The exit codes of the program: a contract with scripts and CI.
enum class ExitCode { clean = 0, findings = 1, usage = 2, environment = 3, internal = 4, interrupted = 130 };

class Error : public std::runtime_error {
public:
    Error(ExitCode code, const std::string &message, std::string hint = {});

    ExitCode code() const { return code_; }
    const std::string &hint() const { return hint_; }

private:
    ExitCode code_;
    std::string hint_;
};

// A wrong command line, project file, query file or spec: the user can fix it by editing.
Error usage_error(const std::string &message, std::string hint = {});

// No connection, no extension, no privilege, a statement that failed: nothing could be measured.
Error environment_error(const std::string &message, std::string hint = {});

// Something the program itself should have prevented.
Error internal_error(const std::string &message);

// SIGINT, SIGTERM or SIGHUP arrived; thrown so that every clean-up on the way out still runs.
Error interrupted_error();

// "dbperf: message" and, on a second line, "hint: ..." on stderr.
void print_error(const std::string &message, const std::string &hint);

// The same form for something that went wrong without ending the command.
void print_warning(const std::string &message);

} // namespace dbperf::client::base
