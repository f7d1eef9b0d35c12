// Owns starting other programs: as another user, in a session of their own, or in the foreground.
#pragma once

#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace dbperf::client::base {

// Who runs a program; the default is who runs this one.
struct RunAs {
    bool change = false;
    uid_t user = 0;
    gid_t group = 0;
    std::string name;
};

// PostgreSQL refuses root: then the user postgres, else nobody.
RunAs unprivileged_user();

struct ProgramResult {
    int status = 0;     // exit code, or 128 + signal
    std::string output; // standard output and error
};

// Waits for it. Throws an environment error when the program cannot be started.
ProgramResult run_program(const std::vector<std::string> &arguments, const RunAs &as = {});

// In a session of its own, so that a terminal's Ctrl-C does not reach it; standard output and error go to the log file.
pid_t start_program(const std::vector<std::string> &arguments, const RunAs &as, const std::string &log_file,
                    const std::string &folder);

// Where a command in the foreground prints to: standard error keeps this program's standard output to itself.
enum class CommandOutput { as_it_is, to_standard_error };

// With this program's terminal, files and environment, and these variables; signals are passed on. Gives the exit code,
// or 128 + signal.
int run_in_foreground(const std::vector<std::string> &arguments,
                      const std::vector<std::pair<std::string, std::string>> &environment, CommandOutput output);

// In a process group of its own, which is ended with it, also by a signal to this program: politely first, and by force
// after the patience. Otherwise as the one before.
int run_in_group(const std::vector<std::string> &arguments,
                 const std::vector<std::pair<std::string, std::string>> &environment, CommandOutput output,
                 int patience_ms);

// True while a process of this id exists and is not merely waiting to be reaped.
bool is_alive(pid_t process);

} // namespace dbperf::client::base
