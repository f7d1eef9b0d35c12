#include "run/git_revision.h"

#include "base/environment.h"
#include "base/error.h"
#include "base/file_text.h"
#include "base/process.h"

#include <filesystem>

namespace dbperf::client::run {
using namespace base;

namespace {

// A SHA-1 or SHA-256, in full.
bool is_commit(std::string_view text) {
    return (text.size() == 40 || text.size() == 64) &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

} // namespace

std::string current_commit() {
    for (const char *name : {"GITHUB_SHA", "CI_COMMIT_SHA"})
        if (const auto commit = process_environment(name); commit && is_commit(*commit))
            return *commit;
    std::error_code ignored;
    try {
        const ProgramResult git =
            run_program({"git", "-C", std::filesystem::current_path(ignored).string(), "rev-parse", "HEAD"});
        const std::string commit(trim(git.output));
        return git.status == 0 && is_commit(commit) ? commit : "";
    } catch (const Error &error) {
        if (error.code() == ExitCode::interrupted)
            throw;
        return {}; // no git here
    }
}

} // namespace dbperf::client::run
