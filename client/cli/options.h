// Owns what the command line says for every command, as plain data. What one command may be given stands in its own
// room.
#pragma once

#include "postgres/connection_options.h"
#include "terminal/output_options.h"

#include <string>

namespace dbperf::client::cli {

struct Options {
    std::string project_file; // empty: looked for
    postgres::ConnectionOptions connection;
    terminal::OutputOptions output;
};

} // namespace dbperf::client::cli
