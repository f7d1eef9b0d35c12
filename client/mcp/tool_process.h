// Owns one call of a tool at work: a process of its own, so that whatever it prints, however it ends and whenever it is
// stopped, the conversation goes on.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <sys/types.h>

namespace dbperf::client::mcp {

class ToolProcess {
public:
    // The work prints one JSON object and gives an exit status. It ends by a signal when this program is gone.
    explicit ToolProcess(const std::function<int()> &work);
    ~ToolProcess(); // ends it by force when it is still there
    ToolProcess(const ToolProcess &) = delete;
    ToolProcess &operator=(const ToolProcess &) = delete;

    // For poll(); -1 when closed.
    int output_descriptor() const { return output_; }
    int error_descriptor() const { return errors_; }

    // Takes what was printed, without waiting.
    void read();
    // True once it has come to its end; all it printed is read then.
    bool has_ended();

    // It is asked to clean up and end, and ended by force when it takes too long.
    void stop();
    void press();
    bool is_stopped() const { return stopped_; }

    int status() const { return status_; } // exit code, or 128 + signal
    const std::string &output() const { return printed_; }
    bool printed_too_much() const { return too_much_; }
    const std::string &errors() const { return complained_; } // the end of it

private:
    void take(int &descriptor, bool is_output);

    pid_t process_ = 0;
    int output_ = -1, errors_ = -1, status_ = -1;
    bool ended_ = false, stopped_ = false, too_much_ = false;
    std::chrono::steady_clock::time_point stopped_at_;
    std::string printed_, complained_;
};

} // namespace dbperf::client::mcp
