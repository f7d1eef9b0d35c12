// Owns what the command line says about output, as plain data.
#pragma once

namespace dbperf::client::terminal {

enum class OutputFormat { text, json, markdown }; // markdown: where a command says so
enum class ColorMode { automatic, always, never };

struct OutputOptions {
    OutputFormat format = OutputFormat::text;
    ColorMode color = ColorMode::automatic;
    bool quiet = false;
    bool verbose = false;
};

} // namespace dbperf::client::terminal
