// Owns what the command line says, as plain data; knows neither how it is parsed nor what the commands do with it.
#pragma once

#include "postgres/connection_options.h"
#include "terminal/output_options.h"

#include <optional>
#include <string>
#include <vector>

namespace dbperf::client::cli {

struct RunOptions {
    std::string label;
    std::string queries; // a folder or one file; empty: run the command
    std::vector<std::string> command;
    std::optional<std::string> scale; // sizes of the data, as 1,2,4
    std::string seed;                 // for sh, before the command at each size
    int repeat = 100;
};

struct CompareOptions {
    std::string from;          // database to copy; empty: the one of the connection
    std::string template_name; // the same, for one that is closed to connections
    std::vector<std::string> migrations;
    std::string queries;
    std::string workload; // run:LABEL
    std::string baseline;
    std::string candidate;
    int samples = 40;                       // executions of each query on each side
    std::string statement_timeout = "1min"; // PostgreSQL's spelling, as the next one
    std::string lock_timeout = "10s";
};

struct BaselineOptions {
    std::string action; // export, import
    std::string run;
    std::string output; // empty: standard output
    std::string file;
    std::string label;
};

struct DeadlockOptions {
    std::vector<std::string> specs;
    bool confirm = false;                       // predicted ones, in place of specs
    std::string run;                            // whose; empty: the latest finished run that predicted any
    std::vector<std::string> deadlock_timeouts; // PostgreSQL's spelling; empty: the server's own setting
    int repeat = 10;
    int step_timeout_s = 60;
    int throughput_s = 0; // 0: no throughput is measured
    int clients = 8;
};

struct CheckOptions {
    std::string run;
    std::string baseline;
    std::vector<std::string> reports; // FORMAT=PATH
    std::vector<std::string> command;
};

struct ReportOptions {
    std::string run;
    std::string since; // a time, an age, or the label of a run
    std::string query;
    std::string html;     // file
    std::string baseline; // to compare with in the file
};

struct ExportOptions {
    std::string openmetrics; // file
    std::string prometheus;  // file, in the older format
    std::string listen;      // address
    std::string run;
};

struct TestdbOptions {
    std::string action; // prepare, exec, list, gc, status
    std::string migrations;
    std::string migrate_command;
    std::string seed;
    std::string template_name;
    bool keep = false; // the database of a command that failed
    bool kept = false; // collect what was kept, too
    std::vector<std::string> command;
};

struct PushOptions {
    std::string run;
    bool all = false;
    bool init = false;
};

struct CollectOptions {
    std::vector<std::string> sources; // connection strings
    int interval_s = 0;               // 0: once
};

// Of a results database of its own, for all commands that send to one or read from it.
struct ResultsOptions {
    std::string database; // to send to or, in report, to read from; empty: the environment's, or none
    std::string project;  // to read of
};

struct ServerOptions {
    std::string action; // start, stop, status
    std::string pg_config;
    std::string directory;
    std::string socket_directory;
    std::vector<std::string> settings; // name=value
};

struct DemoOptions {
    std::string pg_config;
    std::string shop; // folder with migrations/ and benchmarks/; empty: looked for
    int scale = 1;
    bool keep = false;
};

struct Options {
    std::string command;
    std::string project_file; // empty: looked for
    postgres::ConnectionOptions connection;
    terminal::OutputOptions output;
    RunOptions run;
    CompareOptions compare;
    BaselineOptions baseline;
    DeadlockOptions deadlock;
    CheckOptions check;
    ReportOptions report;
    ExportOptions exporting; // "export" is a keyword
    ResultsOptions results;
    PushOptions push;
    CollectOptions collect;
    ServerOptions server;
    TestdbOptions testdb;
    DemoOptions demo;
};

// Reads the command line; prints help or the version itself and then returns nothing. Throws a usage error.
std::optional<Options> parse_options(int argc, const char *const *argv);

} // namespace dbperf::client::cli
