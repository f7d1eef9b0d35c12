#include "server/server_command.h"

#include "base/error.h"
#include "base/interrupt.h"
#include "server/private_server.h"
#include "terminal/json_answer.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <filesystem>
#include <unistd.h>

namespace dbperf::client::server {
using namespace base;
using namespace terminal;
using namespace cli;

namespace {

void show(const Context &context, const std::string &directory, const PrivateServer &server, std::string_view state) {
    if (context.json()) {
        print_json({{"state", state},
                    {"conninfo", server.conninfo()},
                    {"host", server.socket_directory},
                    {"port", server.port},
                    {"user", "postgres"},
                    {"dbname", "postgres"},
                    {"pid", server.process},
                    {"version", server.version},
                    {"log", server.log()},
                    {"directory", directory}});
    } else if (state == "running" && isatty(STDOUT_FILENO) == 0) {
        fmt::print("{}\n", server.conninfo()); // for scripts: DBPERF_DATABASE_URL=$(dbperf server start)
    } else {
        fmt::print(
            "{} is {} (pid {})\n\n  connect  psql \"{}\"\n  stop     dbperf server stop --dir {}\n  log      {}\n",
            server.version, context.style.good(state), server.process, server.conninfo(), directory, server.log());
    }
}

int start(const Context &context, const std::string &directory) {
    if (const auto known = recall_server(directory)) {
        if (is_running(*known))
            throw environment_error(
                fmt::format("a private server already runs for {} (pid {})", directory, known->process),
                fmt::format("stop it with `dbperf server stop --dir {}`, or name another --dir", directory));
        stop_private_server(*known); // it was killed: only its files are left
        forget_server(*known);
    }
    PrivateServerRequest request;
    request.pg_config = context.options.server.pg_config;
    request.port = context.options.connection.port;
    request.socket_directory = context.options.server.socket_directory;
    request.settings = context.options.server.settings;
    Progress progress(context.options.output);
    PrivateServer server = start_private_server(request, progress);
    server.directory = directory;
    try {
        remember_server(server);
        throw_if_interrupted();
    } catch (...) {
        const InterruptShield shield;
        stop_private_server(server);
        forget_server(server);
        throw;
    }
    show(context, directory, server, "running");
    return 0;
}

int stop(const Context &context, const std::string &directory) {
    const auto known = recall_server(directory);
    if (!known)
        throw environment_error(fmt::format("no private server is known for {}", directory),
                                "`dbperf server start` makes one");
    stop_private_server(*known);
    forget_server(*known);
    if (context.json())
        print_json({{"state", "stopped"}, {"directory", directory}});
    else if (!context.options.output.quiet)
        fmt::print("stopped; all files of the server are removed\n");
    return 0;
}

int status(const Context &context, const std::string &directory) {
    const auto known = recall_server(directory);
    const bool running = known && is_running(*known);
    if (running)
        show(context, directory, *known, "running");
    else if (context.json())
        print_json({{"state", known ? "dead" : "none"}, {"directory", directory}});
    else
        fmt::print("{}\n",
                   known ? "the server ended by itself; `dbperf server stop` removes its files" : "no private server");
    return running ? 0 : static_cast<int>(ExitCode::environment);
}

} // namespace

int server_command(const Context &context) {
    const ServerOptions &options = context.options.server;
    const std::string directory =
        std::filesystem::absolute(options.directory.empty() ? default_server_directory() : options.directory)
            .lexically_normal()
            .string();
    if (options.action == "start")
        return start(context, directory);
    return options.action == "stop" ? stop(context, directory) : status(context, directory);
}

} // namespace dbperf::client::server
