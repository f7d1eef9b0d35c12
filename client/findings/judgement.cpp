#include "findings/judgement.h"

#include "findings/kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace dbperf::client::findings {

const std::string &shown_query(const Judgement &judgement) {
    return judgement.short_query.empty() ? judgement.query : judgement.short_query;
}

const std::string &shown_suggestion(const Judgement &judgement) {
    return judgement.short_suggestion.empty() ? judgement.suggestion : judgement.short_suggestion;
}

std::string shown_place(const Judgement &judgement) {
    const SourceLine &location = judgement.location;
    if (location.file.empty())
        return judgement.call_site;
    return location.line > 0 ? fmt::format("{}:{}", location.file, location.line) : location.file;
}

bool CheckReport::passed() const {
    return count(Outcome::failed) == 0;
}

int CheckReport::count(Outcome outcome) const {
    return static_cast<int>(std::count_if(judgements.begin(), judgements.end(),
                                          [&](const Judgement &each) { return each.outcome == outcome; }));
}

void sort_judgements(std::vector<Judgement> &judgements) {
    const auto order = [](const Judgement &each) {
        return std::make_tuple(each.outcome, kind_of(each.kind).rank, std::string_view(each.kind), -each.price_ms,
                               std::string_view(each.query), std::string_view(each.reason));
    };
    std::stable_sort(judgements.begin(), judgements.end(),
                     [&](const Judgement &a, const Judgement &b) { return order(a) < order(b); });
}

} // namespace dbperf::client::findings
