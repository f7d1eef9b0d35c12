#include "file_text.h"

#include "error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace dbperf::client {

std::string read_file(const std::string &path) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored))
        throw usage_error(fmt::format("{} is a folder, not a file", path));
    std::ifstream file(path, std::ios::binary);
    std::ostringstream content;
    if (file && file.peek() != std::ifstream::traits_type::eof())
        content << file.rdbuf();
    if (!file && !file.eof())
        throw usage_error(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
    return content.str();
}

void write_file(const std::string &path, const std::string &text) {
    namespace fs = std::filesystem;
    std::error_code error;
    // What is no file (a terminal, a pipe) cannot be replaced.
    const bool replaces = !fs::exists(path, error) || fs::is_regular_file(path, error);
    const std::string target = replaces ? path + ".part" : path;
    {
        std::ofstream file(target, std::ios::binary | std::ios::trunc);
        file << text << std::flush;
        if (!file) {
            const std::string reason = std::strerror(errno);
            if (replaces)
                fs::remove(target, error);
            throw environment_error(fmt::format("cannot write {}: {}", path, reason));
        }
    }
    if (!replaces)
        return;
    fs::rename(target, path, error);
    if (error)
        throw environment_error(fmt::format("cannot write {}: {}", path, error.message()));
}

std::vector<std::string> list_files(const std::string &path, std::string_view extension) {
    namespace fs = std::filesystem;
    std::error_code error;
    if (!fs::is_directory(path, error))
        return {path};
    std::vector<std::string> files;
    for (fs::directory_iterator entries(path, error), end; !error && entries != end; entries.increment(error))
        if (entries->path().extension() == extension && !entries->is_directory())
            files.push_back(entries->path().string());
    if (error)
        throw usage_error(fmt::format("cannot read the folder {}: {}", path, error.message()));
    std::sort(files.begin(), files.end());
    return files;
}

int line_at(std::string_view text, std::size_t offset) {
    return 1 + static_cast<int>(std::count(
                   text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(offset, text.size())), '\n'));
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view spaces = " \t\r\n\f\v";
    const std::size_t first = text.find_first_not_of(spaces);
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

} // namespace dbperf::client
