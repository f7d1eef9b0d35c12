// Owns the way tests look at an error: its code, and words of its message and hint.
#pragma once

#include "base/error.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace dbperf::client::base {

inline void expect_error(const std::function<void()> &action, ExitCode code, const std::string &message,
                         const std::string &hint = {}) {
    try {
        action();
    } catch (const Error &error) {
        EXPECT_EQ(error.code(), code);
        EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << "message: " << error.what();
        EXPECT_NE(error.hint().find(hint), std::string::npos) << "hint: " << error.hint();
        return;
    }
    ADD_FAILURE() << "no error; expected: " << message;
}

} // namespace dbperf::client::base
