// Owns findings that somebody knows of: the file that holds them, and whether one that was found is among them. Knows
// no server: what a finding is called by is dbperf.finding_key()'s.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dbperf::client::findings {

struct KnownFinding {
    std::string kind, statement, key, edge; // the statement is to be read; kind, key and edge are what it is known by
    std::string confidence;                 // possible, likely, proven, confirmed, or ""
    std::optional<double> calls;            // in one unit of work

    bool is_same(const KnownFinding &other) const {
        return kind == other.kind && key == other.key && edge == other.edge;
    }
};

struct KnownFindings {
    std::vector<KnownFinding> findings;
    std::string source;  // label of a run, or path of a file
    std::string project; // "" where none is said
    bool is_file = false;
};

// What dbperf.finding_key() gives; nothing for null.
std::optional<KnownFinding> parse_finding_key(const std::string &json);

// The text of a file: a line each, sorted, between a first and a last one; the same findings give the same text.
std::string known_findings_text(std::vector<KnownFinding> findings, const std::string &project);

// What such a file or an exported run holds. Throws a usage error that names file and line.
KnownFindings parse_known_findings(const std::string &text, const std::string &path);

// Of two that are the same: the higher confidence, the more calls.
KnownFinding worse_of(const KnownFinding &first, const KnownFinding &second);

enum class Comparison { unknown, known, worse, better };

struct ComparedFinding {
    Comparison comparison = Comparison::unknown;
    std::size_t position = 0; // in the list
    std::string change;       // "20 -> 45 calls in a unit of work", "likely -> proven"; "" without
};

// Worse: more than 1.5 times as many calls, or a higher confidence; better the other way round.
ComparedFinding compare_finding(const std::vector<KnownFinding> &known, const KnownFinding &found);

} // namespace dbperf::client::findings
