#include "mcp/tool_process.h"

#include "base/error.h"
#include "base/interrupt.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace dbperf::client::mcp {
using namespace base;

namespace {

constexpr std::size_t max_printed = 64U << 20U;
constexpr std::size_t max_complained = 16U << 10U;
constexpr std::chrono::seconds patience{60}; // to drop copies of databases takes its time

int run_to_the_end(const std::function<int()> &work) {
    int status = static_cast<int>(ExitCode::internal);
    try {
        status = work();
    } catch (const Error &error) {
        print_error(error.what(), error.hint());
        status = static_cast<int>(error.code());
    } catch (const std::exception &error) {
        print_error(error.what(), internal_error("").hint());
    }
    if (std::fflush(stdout) != 0)
        status = static_cast<int>(ExitCode::environment);
    return status;
}

} // namespace

ToolProcess::ToolProcess(const std::function<int()> &work) {
    std::array<int, 2> output{}, errors{};
    if (pipe2(output.data(), O_CLOEXEC) != 0)
        throw environment_error(fmt::format("cannot create a pipe: {}", std::strerror(errno)));
    if (pipe2(errors.data(), O_CLOEXEC) != 0) {
        close(output[0]);
        close(output[1]);
        throw environment_error(fmt::format("cannot create a pipe: {}", std::strerror(errno)));
    }
    // A signal to the child before it has a pipe of its own to wake by would wake this process.
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    std::fflush(nullptr);
    const pid_t parent = getpid();
    process_ = fork();
    if (process_ == 0) {
        setsid();
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        const bool ready = getppid() == parent && null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
                           dup2(output[1], STDOUT_FILENO) >= 0 && dup2(errors[1], STDERR_FILENO) >= 0;
        if (!ready)
            _exit(static_cast<int>(ExitCode::internal));
        close(output[1]);
        close(errors[1]);
        install_signal_handlers();
        sigprocmask(SIG_SETMASK, &before, nullptr);
        _exit(run_to_the_end(work));
    }
    sigprocmask(SIG_SETMASK, &before, nullptr);
    const int reason = errno;
    close(output[1]);
    close(errors[1]);
    output_ = output[0];
    errors_ = errors[0];
    fcntl(output_, F_SETFL, O_NONBLOCK);
    fcntl(errors_, F_SETFL, O_NONBLOCK);
    if (process_ < 0) {
        close(output_);
        close(errors_);
        throw environment_error(fmt::format("cannot start a process: {}", std::strerror(reason)));
    }
}

ToolProcess::~ToolProcess() {
    if (!ended_) {
        kill(-process_, SIGKILL);
        kill(process_, SIGKILL);
        waitpid(process_, nullptr, 0);
    }
    for (const int descriptor : {output_, errors_})
        if (descriptor >= 0)
            close(descriptor);
}

void ToolProcess::take(int &descriptor, bool is_output) {
    std::array<char, 65536> buffer{};
    while (descriptor >= 0) {
        const ssize_t length = ::read(descriptor, buffer.data(), buffer.size());
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0 && errno == EAGAIN)
            return;
        if (length <= 0) {
            close(descriptor);
            descriptor = -1;
            return;
        }
        const std::string_view bytes(buffer.data(), static_cast<std::size_t>(length));
        if (!is_output) {
            complained_ += bytes;
            if (complained_.size() > max_complained)
                complained_.erase(0, complained_.size() - max_complained);
        } else if (printed_.size() + bytes.size() > max_printed) {
            too_much_ = true;
            stop();
        } else {
            printed_ += bytes;
        }
    }
}

void ToolProcess::read() {
    take(output_, true);
    take(errors_, false);
}

bool ToolProcess::has_ended() {
    if (ended_)
        return true;
    siginfo_t end = {};
    if (waitid(P_PID, static_cast<id_t>(process_), &end, WEXITED | WNOHANG | WNOWAIT) == 0 && end.si_pid == 0)
        return false;
    read();
    kill(-process_, SIGKILL); // what it left behind; its group is its own while it is not waited for
    int status = 0;
    waitpid(process_, &status, 0);
    status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    ended_ = true;
    return true;
}

void ToolProcess::stop() {
    if (ended_ || stopped_)
        return;
    stopped_ = true;
    stopped_at_ = std::chrono::steady_clock::now();
    kill(process_, SIGTERM);
}

void ToolProcess::press() {
    if (stopped_ && !ended_ && std::chrono::steady_clock::now() - stopped_at_ > patience)
        kill(-process_, SIGKILL);
}

} // namespace dbperf::client::mcp
