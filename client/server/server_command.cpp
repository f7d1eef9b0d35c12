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

struct ServerOptions {
    std::string action; // start, stop, status
    std::string pg_config;
    std::string directory;
    std::string socket_directory;
    std::vector<std::string> settings; // name=value
};

void server_options(OptionList &list, ServerOptions &options) {
    const auto add = [&](const char *name, const char *summary) {
        OptionList action = list.action(options.action, name, summary);
        action.text("--dir", "PATH", options.directory,
                    "folder that remembers the server (default: below ~/.local/state)");
        return action;
    };
    OptionList start = add("start", "create and start it, print how to connect");
    start.text("--pg-config", "FILE", options.pg_config,
               "pg_config of the PostgreSQL to run (default: PG_CONFIG, then PATH)");
    start.text("--socket-dir", "PATH", options.socket_directory,
               "folder for the socket (default: a new one below /tmp)");
    start.texts("-c,--set", "NAME=VALUE", options.settings, "server setting; may be given again");
    add("stop", "stop it and remove all its files");
    add("status", "say whether it runs and how to connect");
}

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

int start(const Context &context, const ServerOptions &options, const std::string &directory) {
    if (const auto known = recall_server(directory)) {
        if (is_running(*known))
            throw environment_error(
                fmt::format("a private server already runs for {} (pid {})", directory, known->process),
                fmt::format("stop it with `dbperf server stop --dir {}`, or name another --dir", directory));
        stop_private_server(*known); // it was killed: only its files are left
        forget_server(*known);
    }
    PrivateServerRequest request;
    request.pg_config = options.pg_config;
    request.port = context.options.connection.port;
    request.socket_directory = options.socket_directory;
    request.settings = options.settings;
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

int server(const Context &context, const ServerOptions &options) {
    const std::string directory =
        std::filesystem::absolute(options.directory.empty() ? default_server_directory() : options.directory)
            .lexically_normal()
            .string();
    if (options.action == "start")
        return start(context, options, directory);
    return options.action == "stop" ? stop(context, directory) : status(context, directory);
}

} // namespace

const Command server_command = {"server", "a private PostgreSQL server with dbperf loaded", "",
                                with_options<ServerOptions, server_options, server>};

} // namespace dbperf::client::server
