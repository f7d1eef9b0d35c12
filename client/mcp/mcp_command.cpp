#include "mcp/mcp_command.h"

#include "base/error.h"
#include "base/interrupt.h"
#include "mcp/bounded_result.h"
#include "mcp/mcp_session.h"
#include "mcp/tool_process.h"
#include "mcp/tool_work.h"
#include "postgres/installed_dbperf.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <filesystem>
#include <list>
#include <memory>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace dbperf::client::mcp {
using namespace base;
using namespace postgres;
using namespace terminal;
using namespace cli;

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t max_line_bytes = 1U << 20U;
constexpr std::size_t max_unsent_bytes = 4U << 20U; // nothing is read while so much waits to be taken
constexpr int max_readers = 4;                      // calls that measure nothing, at a time
constexpr std::size_t printed_tail = 4000;
constexpr std::chrono::seconds between_progress{5};
constexpr int wait_ms = 500, wait_for_process_ms = 20;

struct McpOptions {
    std::vector<std::string> command;
    bool allow_commands = false;
    bool allow_superuser = false;
    int timeout_s = 1800;
    int result_kb = 40;
};

void mcp_options(OptionList &list, McpOptions &options) {
    list.flag("--allow-commands", options.allow_commands, "run_command runs what the client names, not COMMAND alone");
    list.flag("--allow-superuser", options.allow_superuser,
              "migrations and queries are executed in copies by a role that may do more than that");
    list.count("--timeout", options.timeout_s, 1000000, "seconds after which a call is stopped");
    list.count("--max-result", options.result_kb, 10000, "kilobytes of a result that are sent at once");
    list.command(options.command);
}

struct Work {
    ToolCall call;
    Clock::time_point begun = Clock::now(), said = Clock::now();
    std::unique_ptr<ToolProcess> process; // none while it waits for its turn
    bool is_too_late = false;
};

std::string end_of(const std::string &text, std::size_t bytes) {
    if (text.size() <= bytes)
        return text;
    const std::size_t line = text.find('\n', text.size() - bytes);
    return "..." + text.substr(line == std::string::npos ? text.size() - bytes : line);
}

class McpServer {
public:
    McpServer(const Context &context, const McpOptions &options)
        : context_(context), options_(options), tools_(tools_for({options.command, options.allow_commands})),
          session_(tools_, client_version()), kept_(static_cast<std::size_t>(options.result_kb) * 1000) {
        context_.options.output.format = OutputFormat::json;
        context_.options.output.quiet = true;
        settings_ = {{options.command, options.allow_commands},
                     options.allow_superuser,
                     std::filesystem::current_path().string()};
    }

    // Until the client closes its end, or a signal. Calls that are under way then are stopped and leave nothing.
    int serve() {
        while (!is_over_ || !works_.empty()) {
            wait();
            if (interrupted())
                end();
            work();
        }
        return interrupted() ? static_cast<int>(ExitCode::interrupted) : 0;
    }

private:
    void end() {
        is_over_ = true;
        unsent_.clear();
        for (auto each = works_.begin(); each != works_.end();)
            each = drop(each);
    }

    // What waits is forgotten, what works is asked to end.
    std::list<Work>::iterator drop(std::list<Work>::iterator each) {
        if (!each->process)
            return works_.erase(each);
        each->process->stop();
        return std::next(each);
    }

    void wait() {
        std::vector<pollfd> waits;
        const bool reads = !is_over_ && unsent_.size() < max_unsent_bytes;
        waits.push_back({reads ? STDIN_FILENO : -1, POLLIN, 0});
        waits.push_back({!is_over_ ? STDOUT_FILENO : -1, static_cast<short>(unsent_.empty() ? 0 : POLLOUT), 0});
        waits.push_back({is_over_ ? -1 : interrupt_descriptor(), POLLIN, 0});
        bool has_process = false;
        for (const Work &each : works_)
            if (each.process) {
                has_process = true;
                waits.push_back({each.process->output_descriptor(), POLLIN, 0});
                waits.push_back({each.process->error_descriptor(), POLLIN, 0});
            }
        poll(waits.data(), waits.size(), has_process ? wait_for_process_ms : wait_ms);
        if (!is_over_ && (waits[1].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
            end(); // nobody reads any more
        if (!is_over_ && (waits[1].revents & POLLOUT) != 0)
            write();
        if (reads && !is_over_ && waits[0].revents != 0)
            read();
    }

    void read() {
        std::array<char, 65536> buffer{};
        const ssize_t length = ::read(STDIN_FILENO, buffer.data(), buffer.size());
        if (length < 0 && (errno == EINTR || errno == EAGAIN))
            return;
        if (length <= 0)
            return end();
        lines_.add({buffer.data(), static_cast<std::size_t>(length)});
        while (const auto line = lines_.next()) {
            Consequences consequences = line->is_too_long ? session_.receive_too_long() : session_.receive(line->text);
            for (const std::string &each : consequences.lines)
                unsent_ += each;
            for (ToolCall &call : consequences.calls)
                begin(std::move(call));
            for (const std::string &key : consequences.cancelled)
                cancel(key);
        }
    }

    // A little at a time: who does not read must not stop what else there is to do.
    void write() {
        ssize_t length = send(STDOUT_FILENO, unsent_.data(), unsent_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (length < 0 && errno == ENOTSOCK)
            length = ::write(STDOUT_FILENO, unsent_.data(), std::min<std::size_t>(unsent_.size(), PIPE_BUF));
        if (length > 0)
            unsent_.erase(0, static_cast<std::size_t>(length));
        else if (length < 0 && errno != EINTR && errno != EAGAIN)
            end();
    }

    void begin(ToolCall call) {
        if (call.tool->work == ToolWork::read_more) {
            const std::string id = call.arguments["result"].get<std::string>();
            const auto more =
                kept_.more(id, call.arguments["at"].get<std::string>(), call.arguments.value("offset", std::size_t{0}));
            unsent_ += session_.answer(
                call.key,
                more ? ToolResult{*more, false}
                     : ToolResult{fmt::format("the result \"{}\" is not kept any more, or has no such place", id),
                                  true});
            return;
        }
        works_.push_back({std::move(call), Clock::now(), Clock::now(), nullptr, false});
    }

    void cancel(const std::string &key) {
        const auto found =
            std::find_if(works_.begin(), works_.end(), [&](const Work &each) { return each.call.key == key; });
        if (found == works_.end())
            return;
        found->call.key.clear(); // its id may be used again
        drop(found);
    }

    void work() {
        int readers = 0;
        bool is_measuring = false;
        for (const Work &each : works_)
            if (each.process)
                (each.call.tool->measures ? is_measuring = true : ++readers != 0);
        const Clock::time_point now = Clock::now();
        for (auto each = works_.begin(); each != works_.end();) {
            if (!each->process && !is_over_ && (each->call.tool->measures ? !is_measuring : readers < max_readers)) {
                (each->call.tool->measures ? is_measuring = true : ++readers != 0);
                try {
                    start(*each);
                } catch (const Error &error) {
                    unsent_ += session_.answer(each->call.key, {error.what(), true});
                    each = works_.erase(each);
                    continue;
                }
            }
            if (each->process && each->process->has_ended()) {
                finish(*each);
                each = works_.erase(each);
                continue;
            }
            if (each->process) {
                each->process->read();
                each->process->press();
                if (now - each->begun > std::chrono::seconds(options_.timeout_s) && !each->process->is_stopped()) {
                    each->is_too_late = true;
                    each->process->stop();
                }
            }
            if (now - each->said > between_progress) {
                each->said = now;
                const double seconds = std::chrono::duration<double>(now - each->begun).count();
                unsent_ +=
                    session_.progress(each->call.key, seconds, each->process ? "working" : "waiting for its turn");
            }
            ++each;
        }
    }

    void start(Work &work) {
        work.begun = Clock::now();
        work.process = std::make_unique<ToolProcess>(
            [this, &work] { return do_tool_work(context_, settings_, work.call.tool->work, work.call.arguments); });
    }

    void finish(const Work &work) {
        if (is_over_ || !session_.is_under_way(work.call.key))
            return;
        unsent_ += session_.answer(work.call.key, result_of(work));
    }

    ToolResult result_of(const Work &work) {
        const ToolProcess &process = *work.process;
        if (work.is_too_late)
            return {fmt::format("stopped after {} seconds", options_.timeout_s), true};
        if (process.printed_too_much())
            return {"the result is too large; ask for less", true};
        nlohmann::ordered_json json = nlohmann::ordered_json::parse(process.output(), nullptr, false);
        const bool is_answer = process.status() == 0 || process.status() == static_cast<int>(ExitCode::findings);
        if (!is_answer || !json.is_object()) {
            const std::string why = end_of(process.errors(), printed_tail);
            return {why.empty() ? fmt::format("it ended with status {}", process.status()) : why, true};
        }
        if (work.call.tool->work == ToolWork::run_command)
            json["printed"] = end_of(process.errors(), printed_tail);
        return {kept_.bounded(std::move(json)), false};
    }

    Context context_;
    const McpOptions &options_;
    WorkSettings settings_;
    std::vector<Tool> tools_;
    McpSession session_;
    KeptResults kept_;
    LineReader lines_{max_line_bytes};
    std::list<Work> works_;
    std::string unsent_;
    bool is_over_ = false;
};

int mcp(const Context &context, const McpOptions &options) {
    return McpServer(context, options).serve();
}

} // namespace

const Command mcp_command = {
    .name = "mcp",
    .summary = "what dbperf knows and does, for coding agents",
    .usage =
        "dbperf mcp [OPTIONS] [-- COMMAND...]\n"
        "\n"
        "Speaks the Model Context Protocol over standard input and output, until its input is closed. It is for the\n"
        "database of the connection alone. COMMAND, as the one that runs the tests, is the only one that may be run\n"
        "unless --allow-commands is given. Migrations and indexes are tried in copies.",
    .prepare = with_options<McpOptions, mcp_options, mcp>,
};

} // namespace dbperf::client::mcp
