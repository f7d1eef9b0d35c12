// Owns sending to the results database that is named, at the end of a command that stored a run or by itself.
#pragma once

#include "cli/command.h"
#include "results_database/results_database.h"

#include <string>

namespace dbperf::client::results_database {

struct ResultsOptions {
    std::string database; // empty: the environment's, or none
};

// --results-db of a command that sends.
void send_options(cli::OptionList &list, ResultsOptions &options);

// What is named by --results-db or in the environment; empty if nothing is.
std::string results_target(const ResultsOptions &options);

// `from` follows the word "run". A JSON answer keeps standard output to itself.
void print_sent(const cli::Context &context, const SentRuns &sent_runs, const std::string &from);

// Sends a run that was just stored, if a results database is named. Gives the status that the command ends with: the
// one it has, else why the run could not be sent, which it says.
int send_results(const cli::Context &context, const ResultsOptions &options, const std::string &label, int status);

} // namespace dbperf::client::results_database
