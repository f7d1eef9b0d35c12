#include "server/server_files.h"

#include "base/environment.h"
#include "base/error.h"
#include "base/file_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace dbperf::client::server {
using namespace base;

namespace {

namespace fs = std::filesystem;

constexpr std::string_view root_prefix = "dbperf-";

std::string ask_pg_config(const std::string &pg_config, const std::string &item) {
    const ProgramResult result = run_program({pg_config, "--" + item});
    if (result.status != 0)
        throw environment_error(fmt::format("{} --{} failed: {}", pg_config, item, trim(result.output)));
    return std::string(trim(result.output));
}

std::string state_file(const std::string &directory) {
    return directory + "/server.json";
}

// As libpq reads a value.
std::string conninfo_value(std::string_view text) {
    std::string quoted = "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\')
            quoted += '\\';
        quoted += c;
    }
    const bool is_plain = text.find_first_of(" '\\\t\r\n\f\v") == std::string_view::npos && !text.empty();
    return is_plain ? std::string(text) : quoted + "'";
}

// What says which folders are removed and which process is stopped must be this user's word.
void require_own(const std::string &path, const struct stat &is, bool is_folder) {
    std::string_view fault;
    if (is_folder ? !S_ISDIR(is.st_mode) : !S_ISREG(is.st_mode))
        fault = is_folder ? "is no folder" : "is no plain file";
    else if (is.st_uid != geteuid())
        fault = "belongs to another user";
    else if ((is.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        fault = "can be written by others";
    if (!fault.empty())
        throw environment_error(fmt::format("{} {}", path, fault),
                                "name a folder of your own with --dir, or set HOME or XDG_STATE_HOME");
}

void require_own_folder(const std::string &path) {
    struct stat is {};
    if (lstat(path.c_str(), &is) != 0)
        throw environment_error(fmt::format("cannot use {}: {}", path, std::strerror(errno)));
    require_own(path, is, true);
}

// The folder that a state file names is one that create_root() made.
void require_own_root(const std::string &file, const std::string &root) {
    const fs::path path(root);
    struct stat is {};
    const bool is_named_so = path.is_absolute() && path.lexically_normal() == path &&
                             path.filename().string().starts_with(root_prefix) &&
                             path.filename().string().size() == root_prefix.size() + 6;
    if (!is_named_so)
        throw environment_error(fmt::format("{} does not describe a server of dbperf", file),
                                "remove the file; a server that still runs must be stopped by hand");
    if (lstat(root.c_str(), &is) != 0)
        return; // it is gone
    const RunAs as = unprivileged_user();
    if (!S_ISDIR(is.st_mode) || (is.st_uid != geteuid() && !(as.change && is.st_uid == as.user)))
        throw environment_error(fmt::format("{}, which {} names, is no folder of a server of this user", root, file),
                                "remove the file; a server that still runs must be stopped by hand");
}

} // namespace

std::string PrivateServer::conninfo(std::string_view database) const {
    return fmt::format("host={} port={} user=postgres dbname={}", conninfo_value(socket_directory), port,
                       conninfo_value(database));
}

std::string default_server_directory() {
    if (const auto state = process_environment("XDG_STATE_HOME"))
        return *state + "/dbperf/server";
    if (const auto home = process_environment("HOME"))
        return *home + "/.local/state/dbperf/server";
    return fmt::format("/tmp/dbperf-state-{}", getuid());
}

Installation find_installation(const std::string &pg_config) {
    Installation found;
    found.pg_config = !pg_config.empty() ? pg_config : process_environment("PG_CONFIG").value_or("pg_config");
    try {
        found.binaries = ask_pg_config(found.pg_config, "bindir");
    } catch (const Error &error) {
        if (error.code() != ExitCode::environment)
            throw;
        throw environment_error(fmt::format("no PostgreSQL found: {}", error.what()),
                                "name its pg_config with --pg-config or PG_CONFIG");
    }
    found.libraries = ask_pg_config(found.pg_config, "pkglibdir");
    found.version = ask_pg_config(found.pg_config, "version");
    for (const char *program : {"postgres", "initdb"})
        if (access(fmt::format("{}/{}", found.binaries, program).c_str(), X_OK) != 0)
            throw environment_error(
                fmt::format("{} is not in {}, the folder that {} names", program, found.binaries, found.pg_config),
                "install the PostgreSQL server, or name another pg_config with --pg-config");
    return found;
}

void require_module(const Installation &installation) {
    for (const char *extension : {"so", "dylib"})
        if (access(fmt::format("{}/dbperf.{}", installation.libraries, extension).c_str(), R_OK) == 0)
            return;
    throw environment_error(fmt::format("dbperf is not installed in {}", installation.libraries),
                            fmt::format("build it for this server: make install PG_CONFIG={}", installation.pg_config));
}

std::optional<PrivateServer> recall_server(const std::string &directory) {
    const std::string file = state_file(directory);
    struct stat is {};
    if (lstat(file.c_str(), &is) != 0)
        return std::nullopt;
    require_own_folder(directory);
    require_own(file, is, false);
    try {
        const auto json = nlohmann::json::parse(read_file(file));
        PrivateServer server;
        server.directory = directory;
        server.root = json.at("root");
        server.socket_directory = json.at("socket_directory");
        server.port = json.at("port");
        server.version = json.at("version");
        server.process = json.at("pid");
        require_own_root(file, server.root);
        return server;
    } catch (const nlohmann::json::exception &) {
        throw environment_error(fmt::format("{} is damaged", file),
                                "remove the file; a server that still runs must be stopped by hand");
    }
}

void remember_server(const PrivateServer &server) {
    const nlohmann::ordered_json json = {
        {"schema_version", 1}, {"root", server.root},       {"socket_directory", server.socket_directory},
        {"port", server.port}, {"version", server.version}, {"pid", server.process}};
    std::error_code error;
    fs::create_directories(fs::path(server.directory).parent_path(), error);
    if (mkdir(server.directory.c_str(), 0700) != 0 && errno != EEXIST)
        throw environment_error(fmt::format("cannot create {}: {}", server.directory, std::strerror(errno)));
    require_own_folder(server.directory);
    write_file(state_file(server.directory), json.dump(2) + "\n", Readers::owner_alone);
}

void forget_server(const PrivateServer &server) {
    std::error_code ignored;
    fs::remove(state_file(server.directory), ignored);
    fs::remove(server.directory, ignored); // stays when it holds anything else
    if (const fs::path above = fs::path(server.directory).parent_path(); above.filename() == "dbperf")
        fs::remove(above, ignored);
}

pid_t locked_by(const PrivateServer &server) {
    std::ifstream file(server.data() + "/postmaster.pid");
    long process = 0;
    std::string data;
    if (!(file >> process) || !std::getline(file >> std::ws, data))
        return 0;
    std::error_code ignored;
    return fs::equivalent(data, server.data(), ignored) ? static_cast<pid_t>(process) : 0;
}

std::string create_root(const RunAs &as) {
    std::string root = process_environment("TMPDIR").value_or("/tmp");
    root = fmt::format("{}/{}XXXXXX", root, root_prefix);
    if (mkdtemp(root.data()) == nullptr)
        throw environment_error(fmt::format("cannot create a folder as {}: {}", root, std::strerror(errno)),
                                "set TMPDIR to a folder that can be written");
    root = fs::canonical(root).string();
    if (as.change && chown(root.c_str(), as.user, as.group) != 0) {
        const int reason = errno;
        remove_root(root);
        throw environment_error(fmt::format("cannot give {} to the user {}: {}", root, as.name, std::strerror(reason)));
    }
    return root;
}

void remove_root(const std::string &root) {
    if (!fs::path(root).filename().string().starts_with(root_prefix))
        throw internal_error(fmt::format("{} is no folder of a private server", root));
    std::error_code error;
    fs::remove_all(root, error);
    if (error)
        print_warning(fmt::format("cannot remove {}: {}", root, error.message()));
}

void require_socket_place(const std::string &directory, const std::string &port) {
    const std::string socket = fmt::format("{}/.s.PGSQL.{}", directory, port);
    if (socket.size() >= sizeof(sockaddr_un::sun_path))
        throw environment_error(
            fmt::format("the socket's path {} is longer than {} bytes", socket, sizeof(sockaddr_un::sun_path) - 1),
            "name a shorter folder with --socket-dir, or set TMPDIR to one");
    std::error_code ignored;
    if (fs::exists(socket, ignored))
        throw environment_error(fmt::format("port {} is taken: {} exists", port, socket),
                                "choose another port with -p, or another --socket-dir");
}

} // namespace dbperf::client::server
