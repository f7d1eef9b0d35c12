#include "reports/html_lock_waits.h"

#include "reports/html_elements.h"
#include "terminal/table.h"

#include <fmt/format.h>

namespace dbperf::client::reports {
using namespace terminal;

namespace {

std::string what_of(const LockWaitFigures &wait) {
    const std::string where = wait.relation.empty() ? wait.kind : without_public(wait.relation);
    return wait.row_key.empty() ? where : where + " (" + wait.row_key + ")";
}

std::string row(const LockWaitFigures &wait) {
    return fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n"
        "<tr><td colspan=\"7\">{}{}{}{}</td></tr>\n",
        html_line(what_of(wait), 80), html_line(wait.mode, 40), format_count(static_cast<double>(wait.waits)),
        format_ms(wait.estimated_ms), format_ms(wait.max_ms),
        wait.transaction_share ? html_percent(*wait.transaction_share) : "",
        format_count(static_cast<double>(wait.longest_chain)), html_field("waits", wait.query),
        html_field("inside", wait.inner_query), html_field("for", wait.blocker_query),
        wait.head_query == wait.blocker_query ? "" : html_field("at the front", wait.head_query));
}

} // namespace

std::string html_lock_waits(const std::vector<LockWaitFigures> &waits) {
    if (waits.empty())
        return {};
    std::string text = fmt::format(
        "<section id=\"lock-waits\"><h2>Waits for locks <span class=\"count\">{}</span></h2>\n<p class=\"lead\">Who "
        "waited for whom, what took the longest first. Time is an estimate that includes short waits; share is that of "
        "the transactions that waited, chain the most sessions behind each other.</p>\n"
        "<div class=\"scroll\" tabindex=\"0\"><table class=\"figures lock-waits\"><thead><tr>"
        "<th scope=\"col\">row, table or lock</th><th scope=\"col\">mode</th><th scope=\"col\">waits</th>"
        "<th scope=\"col\">time</th><th scope=\"col\">max</th><th scope=\"col\">share</th>"
        "<th scope=\"col\">chain</th></tr></thead><tbody>\n",
        waits.size());
    for (const LockWaitFigures &wait : waits)
        text += row(wait);
    return text + "</tbody></table></div></section>\n";
}

} // namespace dbperf::client::reports
