#include "base/file_text.h"

#include "base/expect_error.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>

namespace dbperf::client::base {
namespace {

namespace fs = std::filesystem;

class FileText : public testing::Test {
protected:
    FileText() {
        std::string name = testing::TempDir() + "dbperf-file-XXXXXX";
        EXPECT_NE(mkdtemp(name.data()), nullptr);
        folder_ = name;
        old_mask_ = umask(022);
    }
    ~FileText() override {
        umask(old_mask_);
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
    }
    std::string path(const std::string &name) const { return (folder_ / name).string(); }
    std::size_t files() const {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
    }
    static unsigned mode(const std::string &path) {
        struct stat is {};
        return lstat(path.c_str(), &is) == 0 ? is.st_mode & 07777 : 0;
    }

    fs::path folder_;
    mode_t old_mask_ = 0;
};

TEST_F(FileText, WhoMayReadIt) {
    write_file(path("a"), "secret", Readers::owner_alone);
    EXPECT_EQ(mode(path("a")), 0600U);
    write_file(path("b"), "metrics", Readers::as_umask_says);
    EXPECT_EQ(mode(path("b")), 0644U);
    chmod(path("b").c_str(), 0666);
    write_file(path("b"), "secret", Readers::owner_alone);
    EXPECT_EQ(mode(path("b")), 0600U);
    EXPECT_EQ(read_file(path("b")), "secret");
    EXPECT_EQ(files(), 2U);
}

TEST_F(FileText, NothingElseIsWrittenTo) {
    std::ofstream(path("precious")) << "as it was";
    fs::create_symlink(path("precious"), path("report"));
    fs::create_symlink(path("precious"), path("report.part"));
    write_file(path("report"), "new", Readers::owner_alone);
    EXPECT_EQ(read_file(path("report")), "new");
    EXPECT_FALSE(fs::is_symlink(path("report")));
    EXPECT_EQ(read_file(path("precious")), "as it was");
    EXPECT_EQ(files(), 3U);
}

TEST_F(FileText, WhatIsNoFileIsWrittenIntoAndStays) {
    write_file("/dev/null", "text", Readers::owner_alone);
    EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(FileText, WhatCannotBeWrittenLeavesNothing) {
    expect_error([&] { write_file(path("no/where"), "text", Readers::owner_alone); }, ExitCode::environment,
                 "cannot write");
    fs::create_directory(path("folder"));
    expect_error([&] { write_file(path("folder"), "text", Readers::owner_alone); }, ExitCode::environment,
                 "cannot write");
    EXPECT_EQ(files(), 1U);
}

} // namespace
} // namespace dbperf::client::base
