#include "reports/html_deadlock.h"

#include "reports/html_elements.h"
#include "terminal/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace dbperf::client::reports {
using namespace terminal;

namespace {

constexpr std::size_t max_columns = 4; // beyond, sessions stand below each other
constexpr int max_colors = 4;

std::string letter(int member) {
    return member >= 1 && member <= 26 ? std::string(1, static_cast<char>('A' + member - 1)) : std::to_string(member);
}

std::string spaced(std::string word) {
    std::replace(word.begin(), word.end(), '_', ' ');
    return word;
}

// "2026-01-31T09:30:00Z" for people.
std::string when_of(const std::string &timestamp) {
    return timestamp.size() < 19 ? timestamp : timestamp.substr(0, 10) + " " + timestamp.substr(11, 8) + " UTC";
}

std::string chip(int member) {
    return fmt::format("<span class=\"chip m{}\">{}</span>", (member - 1) % max_colors + 1, letter(member));
}

// The members around a ring, an arrow to whom each waits for; what it waits for stands beside the drawing.
std::string cycle_drawing(const DeadlockStory &story) {
    constexpr double middle = 90;
    constexpr double radius = 58;
    constexpr double node = 19;
    const std::size_t count = story.members.size();
    const auto angle = [&](std::size_t i) {
        return 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(count) -
               (count == 2 ? std::numbers::pi : std::numbers::pi / 2);
    };
    std::string arrows;
    std::string nodes;
    const double room = (node + 5) / radius; // what a node covers of the ring, as an angle
    for (std::size_t i = 0; i < count; ++i) {
        const double from = angle(i) + room;
        const double to = angle(i) + 2 * std::numbers::pi / static_cast<double>(count) - room;
        const bool large = to - from > std::numbers::pi;
        arrows +=
            fmt::format("<path class=\"arrow m{}\" d=\"M{:.1f} {:.1f}A{} {} 0 {} 1 {:.1f} {:.1f}\"/>",
                        i % max_colors + 1, middle + radius * std::cos(from), middle + radius * std::sin(from), radius,
                        radius, large ? 1 : 0, middle + radius * std::cos(to), middle + radius * std::sin(to));
        // The head points along the ring.
        const double x = middle + radius * std::cos(to);
        const double y = middle + radius * std::sin(to);
        const double along = to + std::numbers::pi / 2 - 0.08;
        const auto corner = [&](double turn, double length) {
            return fmt::format("{:.1f} {:.1f}", x + length * std::cos(along + turn),
                               y + length * std::sin(along + turn));
        };
        arrows += fmt::format("<path class=\"head m{}\" d=\"M{}L{}L{}Z\"/>", i % max_colors + 1, corner(0, 5),
                              corner(2.5, 8), corner(-2.5, 8));
        const double cx = middle + radius * std::cos(angle(i));
        const double cy = middle + radius * std::sin(angle(i));
        nodes += fmt::format("<circle class=\"node m{}{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\"/>"
                             "<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>",
                             i % max_colors + 1, story.members[i].victim ? " victim" : "", cx, cy, node, cx, cy + 5.5,
                             letter(static_cast<int>(i) + 1));
    }
    return fmt::format("<svg class=\"cycle\" viewBox=\"0 0 180 180\" role=\"img\" aria-label=\"{} wait for each other "
                       "in a cycle\">{}{}</svg>",
                       story.happened ? "sessions" : "transactions", arrows, nodes);
}

// The row or table where it is known; the lock manager itself often knows of a transaction only.
std::string wait_of(const DeadlockStory &story, int number) {
    for (const DeadlockStep &step : story.steps)
        if (step.member == number && step.waits && !step.lock.empty())
            return without_public(step.lock);
    const DeadlockMember &member = story.members[static_cast<std::size_t>(number) - 1];
    return member.waits_for.empty() ? "something" : without_public(member.waits_for);
}

std::string legend(const DeadlockStory &story) {
    std::string text = "<ul class=\"members\">";
    int number = 0;
    for (const DeadlockMember &member : story.members) {
        ++number;
        text += fmt::format(
            "<li>{}<span><b>{}</b>{}<br>{} {}, {} by {}{}</span></li>", chip(number), html_text(member.name),
            member.victim ? " <em class=\"victim\">victim</em>" : "", story.happened ? "waits for" : "requests",
            html_text(wait_of(story, number)), story.happened ? "kept" : "held", letter(member.next),
            member.dropped_steps > 0 ? fmt::format("; its first {} locks are not known", member.dropped_steps) : "");
    }
    return text + "</ul>";
}

std::string lock_of(const DeadlockStep &step) {
    return html_text(step.lock.empty() ? "the end of a transaction" : without_public(step.lock)) +
           (step.mode.empty() ? "" : " <span class=\"mode\">" + html_text(step.mode) + "</span>");
}

std::string locks_of(const DeadlockStory &story, const DeadlockStep &step) {
    const auto waiter_of = [&](int member) {
        for (std::size_t i = 0; i < story.members.size(); ++i)
            if (story.members[i].next == member)
                return static_cast<int>(i) + 1;
        return member;
    };
    std::string text;
    if (step.holds && !step.waits)
        text +=
            fmt::format("<p class=\"lock holds\">locks {}, {}{} {}</p>", lock_of(step), step.likely ? "likely " : "",
                        story.happened ? "kept from" : "wanted by", letter(waiter_of(step.member)));
    else if (!step.waits && !step.lock.empty())
        text += fmt::format("<p class=\"lock\">locks {}</p>", lock_of(step));
    if (step.waits) {
        const std::size_t member = static_cast<std::size_t>(std::max(step.member, 1)) - 1;
        const int next = member < story.members.size() ? story.members[member].next : 0;
        text += fmt::format("<p class=\"lock waits\">{} {}, {} by {}{}{}</p>",
                            story.happened ? "waits for" : "requests", lock_of(step), story.happened ? "kept" : "held",
                            letter(next), step.waited_ms ? fmt::format(" · {}", format_ms(*step.waited_ms)) : "",
                            step.closed_cycle ? " · closes the wait cycle" : "");
        if (step.holds)
            text += fmt::format("<p class=\"lock holds\">holds what {} waits for</p>", letter(waiter_of(step.member)));
    }
    if (step.released)
        text += "<p class=\"lock\">given back by a rollback to a savepoint</p>";
    return text;
}

// When the sessions did what, to scale; all of them end with the deadlock.
std::string lanes(const DeadlockStory &story) {
    double first = 0;
    for (const DeadlockStep &step : story.steps)
        first = std::min(first, step.at_ms.value_or(0));
    if (!story.happened || first >= 0)
        return {};
    constexpr int height = 26;
    std::string text;
    const auto position = [&](double ms) { return 0.99 - 0.94 * ms / first; }; // 0 is the right edge
    for (std::size_t i = 0; i < story.members.size(); ++i) {
        const int y = static_cast<int>(i) * height;
        text += fmt::format("<line class=\"lane\" x1=\"0\" x2=\"100%\" y1=\"{0}\" y2=\"{0}\"/>", y + height / 2);
        for (const DeadlockStep &step : story.steps) {
            if (step.member != static_cast<int>(i) + 1 || !step.at_ms)
                continue;
            const double x = position(*step.at_ms);
            if (step.waits)
                text += fmt::format("<rect class=\"wait m{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"12\"/>",
                                    i % max_colors + 1, html_percent(x), y + height / 2 - 6, html_percent(0.99 - x));
            text += fmt::format("<circle class=\"step m{}{}\" cx=\"{}\" cy=\"{}\" r=\"5\"/>", i % max_colors + 1,
                                step.holds ? " holds" : "", html_percent(x), y + height / 2);
        }
        text += fmt::format("<text x=\"0\" y=\"{}\">{}</text>", y + 9, letter(static_cast<int>(i) + 1));
    }
    return fmt::format(
        "<figure class=\"lanes\"><svg height=\"{}\" role=\"img\" aria-label=\"sessions over time\">{}</svg>"
        "<figcaption><span>{} before</span><span>● statement, ▬ waiting</span><span>deadlock</span>"
        "</figcaption></figure>\n",
        static_cast<int>(story.members.size()) * height, text, format_ms(-first));
}

std::string steps_of(const DeadlockStory &story) {
    const bool columns = story.members.size() <= max_columns;
    std::string text =
        fmt::format("<ol class=\"steps {}\">", columns ? fmt::format("c{}", story.members.size()) : "c1");
    if (columns) {
        text += "<li class=\"heads\" aria-hidden=\"true\">";
        for (std::size_t i = 1; i <= story.members.size(); ++i)
            text += fmt::format("<span class=\"at{}\">{}</span>", i, chip(static_cast<int>(i)));
        text += "</li>";
    }
    for (std::size_t i = 0, end = 0; i < story.steps.size(); i = end) {
        const DeadlockStep &step = story.steps[i];
        const std::string when = step.at_ms ? format_ms(-*step.at_ms) + " before" : "";
        // One statement may take several locks.
        std::string locks;
        bool holds = false;
        bool waits = false;
        for (end = i; end < story.steps.size() && story.steps[end].member == step.member &&
                      story.steps[end].number == step.number && story.steps[end].level == step.level;
             ++end) {
            locks += locks_of(story, story.steps[end]);
            holds = holds || story.steps[end].holds;
            waits = waits || story.steps[end].waits;
        }
        text += fmt::format("<li><div class=\"step at{} m{}{}{}\"><p class=\"when\">{}{}<span>{}</span></p>"
                            "<code>{}</code>{}</div></li>\n",
                            columns ? step.member : 1, (step.member - 1) % max_colors + 1, holds ? " holds" : "",
                            waits ? " waits" : "", chip(step.member),
                            step.level > 0 ? fmt::format("{}, nested", step.number) : std::to_string(step.number), when,
                            html_line(step.query.empty() ? "(text no longer known)" : step.query, 400), locks);
    }
    return text + "</ol>\n";
}

} // namespace

std::string html_deadlock(const DeadlockStory &story) {
    std::string text;
    if (story.happened)
        text +=
            html_facts({{"at", when_of(story.at)},
                        {"database", story.database},
                        {"noticed after", format_ms(story.detection_ms)},
                        {"work lost", format_ms(story.lost_ms)},
                        {"rows lost", format_count(static_cast<double>(story.lost_rows))},
                        {"WAL lost", format_count(static_cast<double>(story.lost_wal_bytes)) + " B"},
                        {"bystanders", story.bystanders == 0 ? ""
                                                             : fmt::format("{}, up to {}", story.bystanders,
                                                                           format_ms(story.longest_bystander_ms))}});
    else
        text +=
            html_facts({{"seen", story.confidence == "proven" ? "the same rows were locked" : "with other parameters"},
                        {"status", spaced(story.status)},
                        {"database", story.database}});
    text += html_field("Outcome", story.outcome);
    text += "<div class=\"ring\">" + cycle_drawing(story) + legend(story) + "</div>\n";
    text += lanes(story) + steps_of(story);
    text += html_field("What to do", story.advice);
    if (story.incomplete)
        text += "<p class=\"quiet\">Something of it is not known; dbperf.max_trail bounds what is remembered.</p>\n";
    return text;
}

} // namespace dbperf::client::reports
