#include "base/process.h"

#include "base/error.h"
#include "base/interrupt.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace dbperf::client::base {
namespace {

class Descriptor {
public:
    explicit Descriptor(int number = -1) : number_(number) {}
    ~Descriptor() { reset(); }
    Descriptor(const Descriptor &) = delete;
    Descriptor &operator=(const Descriptor &) = delete;
    int get() const { return number_; }
    void reset(int number = -1) {
        if (number_ >= 0)
            close(number_);
        number_ = number;
    }

private:
    int number_;
};

struct Pipe {
    Pipe() {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0)
            throw environment_error(fmt::format("cannot create a pipe: {}", std::strerror(errno)));
        read_end.reset(ends[0]);
        write_end.reset(ends[1]);
    }
    Descriptor read_end;
    Descriptor write_end;
};

// What the child does between fork and exec; nothing here allocates.
struct ChildSetup {
    RunAs as;
    int output = -1; // replaces standard output and error
    bool own_session = false;
    bool own_group = false;
    const char *folder = nullptr;
    char **environment = nullptr; // replaces this program's own
};

[[noreturn]] void become(char *const *arguments, const ChildSetup &setup, int failure) {
    bool ready = true;
    if (setup.own_session) {
        setsid();
        const int null = open("/dev/null", O_RDONLY);
        ready = null >= 0 && dup2(null, STDIN_FILENO) >= 0;
    }
    if (setup.own_group)
        setpgid(0, 0);
    if (setup.output >= 0)
        ready = ready && dup2(setup.output, STDOUT_FILENO) >= 0 && dup2(setup.output, STDERR_FILENO) >= 0;
    if (setup.as.change)
        ready =
            ready && setgroups(1, &setup.as.group) == 0 && setgid(setup.as.group) == 0 && setuid(setup.as.user) == 0;
    if (setup.folder != nullptr)
        ready = ready && chdir(setup.folder) == 0;
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE})
        signal(number, SIG_DFL);
    if (setup.environment != nullptr)
        environ = setup.environment;
    if (ready)
        execvp(arguments[0], arguments);
    const int reason = errno;
    [[maybe_unused]] const ssize_t written = write(failure, &reason, sizeof reason);
    _exit(127);
}

// As exec takes it: valid as long as the strings are.
std::vector<char *> null_terminated(const std::vector<std::string> &strings) {
    std::vector<char *> raw;
    for (const std::string &string : strings)
        raw.push_back(const_cast<char *>(string.c_str()));
    raw.push_back(nullptr);
    return raw;
}

// This program's environment with these variables in place of its own.
std::vector<std::string> environment_with(const std::vector<std::pair<std::string, std::string>> &variables) {
    std::vector<std::string> entries;
    for (char **entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        const std::string_view name = text.substr(0, text.find('='));
        if (std::none_of(variables.begin(), variables.end(), [&](const auto &each) { return each.first == name; }))
            entries.emplace_back(text);
    }
    for (const auto &[name, value] : variables)
        entries.push_back(name + "=" + value);
    return entries;
}

pid_t start(const std::vector<std::string> &arguments, const ChildSetup &setup) {
    const std::vector<char *> raw = null_terminated(arguments);
    Pipe failure;
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child < 0)
        throw environment_error(fmt::format("cannot start {}: {}", arguments[0], std::strerror(errno)));
    if (child == 0)
        become(raw.data(), setup, failure.write_end.get());
    failure.write_end.reset();
    int reason = 0;
    if (read(failure.read_end.get(), &reason, sizeof reason) == static_cast<ssize_t>(sizeof reason)) {
        waitpid(child, nullptr, 0);
        throw environment_error(fmt::format("cannot start {}: {}", arguments[0], std::strerror(reason)));
    }
    return child;
}

int wait_for(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            throw internal_error(fmt::format("lost a child process: {}", std::strerror(errno)));
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

} // namespace

RunAs unprivileged_user() {
    if (geteuid() != 0)
        return {};
    for (const char *name : {"postgres", "nobody"})
        if (const passwd *entry = getpwnam(name); entry != nullptr && entry->pw_uid != 0)
            return {true, entry->pw_uid, entry->pw_gid, name};
    throw environment_error("PostgreSQL does not run as root, and there is no user postgres or nobody",
                            "start dbperf as an ordinary user");
}

ProgramResult run_program(const std::vector<std::string> &arguments, const RunAs &as) {
    Pipe output;
    ChildSetup setup;
    setup.as = as;
    setup.output = output.write_end.get();
    setup.own_session = true;
    setup.folder = "/";
    const pid_t child = start(arguments, setup);
    output.write_end.reset();
    ProgramResult result;
    std::array<char, 4096> buffer{};
    bool stopped = false;
    while (true) {
        pollfd waits[2] = {{output.read_end.get(), POLLIN, 0}, {stopped ? -1 : interrupt_descriptor(), POLLIN, 0}};
        poll(waits, 2, -1);
        if (interrupted() && !std::exchange(stopped, true))
            kill(child, SIGTERM);
        if (waits[0].revents == 0)
            continue;
        const ssize_t length = read(output.read_end.get(), buffer.data(), buffer.size());
        if (length == 0 || (length < 0 && errno != EINTR))
            break;
        if (length > 0)
            result.output.append(buffer.data(), static_cast<std::size_t>(length));
    }
    result.status = wait_for(child);
    throw_if_interrupted();
    return result;
}

pid_t start_program(const std::vector<std::string> &arguments, const RunAs &as, const std::string &log_file,
                    const std::string &folder) {
    const Descriptor log(open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (log.get() < 0)
        throw environment_error(fmt::format("cannot write {}: {}", log_file, std::strerror(errno)));
    ChildSetup setup;
    setup.as = as;
    setup.output = log.get();
    setup.own_session = true;
    setup.folder = folder.c_str();
    return start(arguments, setup);
}

int run_in_foreground(const std::vector<std::string> &arguments,
                      const std::vector<std::pair<std::string, std::string>> &environment, CommandOutput output) {
    const std::vector<std::string> variables = environment_with(environment);
    std::vector<char *> raw_variables = null_terminated(variables);
    ChildSetup setup;
    setup.environment = raw_variables.data();
    if (output == CommandOutput::to_standard_error)
        setup.output = STDERR_FILENO;
    const pid_t child = start(arguments, setup);
    const SignalForwarding forwarding(child);
    return wait_for(child);
}

int run_in_group(const std::vector<std::string> &arguments,
                 const std::vector<std::pair<std::string, std::string>> &environment, CommandOutput output,
                 int patience_ms) {
    const std::vector<std::string> variables = environment_with(environment);
    std::vector<char *> raw_variables = null_terminated(variables);
    ChildSetup setup;
    setup.environment = raw_variables.data();
    setup.own_group = true;
    if (output == CommandOutput::to_standard_error)
        setup.output = STDERR_FILENO;
    const pid_t child = start(arguments, setup);
    constexpr int step_ms = 20;
    bool stopped = false;
    siginfo_t ended = {};
    for (int waited_ms = 0;
         waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == 0;) {
        pollfd wake = {stopped ? -1 : interrupt_descriptor(), POLLIN, 0};
        poll(&wake, 1, step_ms);
        if (interrupted() && !std::exchange(stopped, true))
            kill(-child, SIGTERM);
        if (stopped && (waited_ms += step_ms) > patience_ms)
            kill(-child, SIGKILL);
    }
    kill(-child, SIGKILL); // what it left in the background; the group is there while its leader is not waited for
    return wait_for(child);
}

bool is_alive(pid_t process) {
    if (process <= 0 || (kill(process, 0) != 0 && errno == ESRCH))
        return false;
    std::ifstream file(fmt::format("/proc/{}/stat", process));
    std::string stat;
    if (!std::getline(file, stat))
        return true; // no /proc here: the signal's answer stands
    const std::size_t name_end = stat.rfind(')');
    return name_end == std::string::npos || name_end + 2 >= stat.size() || stat[name_end + 2] != 'Z';
}

} // namespace dbperf::client::base
