#include "base/file_text.h"

#include "base/character.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace dbperf::client::base {

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

namespace {

[[noreturn]] void fail_to_write(const std::string &path, int reason) {
    throw environment_error(fmt::format("cannot write {}: {}", path, std::strerror(reason)));
}

// 0, or why not.
int write_all(int file, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = write(file, text.data(), text.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
}

mode_t mode_for(Readers readers) {
    if (readers == Readers::owner_alone)
        return 0600;
    const mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

// A terminal or a pipe. It may have become a file since somebody looked: that is not written to.
void write_to_device(const std::string &path, const std::string &text) {
    const int file = open(path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC);
    if (file < 0)
        fail_to_write(path, errno);
    struct stat is {};
    int failure = fstat(file, &is) != 0 ? errno : S_ISREG(is.st_mode) ? EEXIST : write_all(file, text);
    if (close(file) != 0 && failure == 0)
        failure = errno;
    if (failure != 0)
        fail_to_write(path, failure);
}

} // namespace

void write_file(const std::string &path, const std::string &text, Readers readers) {
    namespace fs = std::filesystem;
    std::error_code ignored;
    if (fs::exists(path, ignored) && !fs::is_regular_file(path, ignored))
        return write_to_device(path, text);
    std::string draft = path + ".XXXXXX";
    const int file = mkostemp(draft.data(), O_CLOEXEC);
    if (file < 0)
        fail_to_write(path, errno);
    int failure = write_all(file, text);
    if (failure == 0 && fchmod(file, mode_for(readers)) != 0)
        failure = errno;
    if (close(file) != 0 && failure == 0)
        failure = errno;
    if (failure == 0 && std::rename(draft.c_str(), path.c_str()) != 0)
        failure = errno;
    if (failure != 0) {
        unlink(draft.c_str());
        fail_to_write(path, failure);
    }
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
    const std::size_t first = text.find_first_not_of(white_space);
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

} // namespace dbperf::client::base
