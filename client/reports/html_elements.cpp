#include "reports/html_elements.h"

#include "terminal/table.h"
#include "terminal/markup.h"
#include "terminal/visible.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace dbperf::client::reports {
using namespace terminal;

std::string html_text(std::string_view text) {
    return escape_markup(visible(text));
}

std::string html_line(std::string_view text, int width) {
    return escape_markup(visible_line(text, width));
}

std::string html_statement(std::string_view title, std::string_view sql) {
    if (sql.empty())
        return {};
    return fmt::format("<figure class=\"sql\"><figcaption>{}</figcaption><pre tabindex=\"0\"><code>{}</code></pre>"
                       "</figure>\n",
                       html_text(title), html_text(sql));
}

std::string html_shortened(std::string_view title, std::string_view shortened, std::string_view sql) {
    if (shortened.empty() || shortened == sql)
        return html_statement(title, sql);
    return html_statement(title, shortened) + "<details><summary>The whole text</summary><div class=\"body\">\n" +
           html_statement(title, sql) + "</div></details>\n";
}

std::string html_field(std::string_view name, std::string_view text) {
    if (text.empty())
        return {};
    return fmt::format("<p class=\"field\"><b>{}</b> {}</p>\n", html_text(name), html_text(text));
}

std::string html_facts(const HtmlFacts &facts) {
    std::string text;
    for (const auto &[name, value] : facts)
        if (!value.empty())
            text += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", html_text(name), html_text(value));
    return text.empty() ? "" : "<dl class=\"facts\">" + text + "</dl>\n";
}

std::string html_percent(double share) {
    return fmt::format("{:.2f}%", std::isfinite(share) ? std::clamp(share, 0.0, 1.0) * 100 : 0.0);
}

std::string html_bar(std::string_view css_class, double share) {
    return fmt::format("<svg class=\"bar {}\" aria-hidden=\"true\"><rect width=\"{}\" height=\"100%\"/></svg>",
                       css_class, html_percent(share));
}

std::string html_ratio(double ratio) {
    return (ratio >= 99.95 ? format_count(ratio) : fmt::format("{:.{}f}", ratio, ratio >= 9.995 ? 1 : 2)) + " ×";
}

std::string without_public(const std::string &name) {
    return name.starts_with("public.") ? name.substr(7) : name;
}

std::string html_json(std::string json) {
    std::string result;
    for (const char c : json) {
        if (c == '<' || c == '>' || c == '&')
            result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        else
            result += c;
    }
    return result;
}

} // namespace dbperf::client::reports
