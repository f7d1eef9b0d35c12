// Owns reading and writing files of SQL, specs and settings, and small questions about their text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dbperf::client::base {

// Throws a usage error that says why the file cannot be read.
std::string read_file(const std::string &path);

// What shows statements may show their parameters, too.
enum class Readers { owner_alone, as_umask_says };

// Replaces the file, or a link of that name, only when all of the text is written, from a file beside it that nobody
// else can have made. Throws an environment error that says why it cannot be.
void write_file(const std::string &path, const std::string &text, Readers readers);

// The files with this extension in a folder, sorted by name; a path of a file is itself.
std::vector<std::string> list_files(const std::string &path, std::string_view extension);

// 1-based.
int line_at(std::string_view text, std::size_t offset);

std::string_view trim(std::string_view text);

} // namespace dbperf::client::base
