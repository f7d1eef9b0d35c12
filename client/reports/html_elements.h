// Owns the parts that every section of the HTML report is made of. Only what comes out of here may hold text of others:
// it is escaped, and what changes the direction or width of writing is spelled out.
#pragma once

#include "findings/judgement.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dbperf::client::reports {

// For text and for attributes in double quotes.
std::string html_text(std::string_view text);

// The same on one line of at most so many columns.
std::string html_line(std::string_view text, int width = 200);

// A statement, with its lines kept, and a button to copy it where there are scripts.
std::string html_statement(std::string_view title, std::string_view sql);

// The same for one whose long lists are replaced by their number, with the whole text to open.
std::string html_shortened(std::string_view title, std::string_view shortened, std::string_view sql);

// A paragraph with a name; "" for no text. The text is escaped here.
std::string html_field(std::string_view name, std::string_view text);

// Name and value, both short; escaped here. Empty values are skipped.
using HtmlFacts = std::vector<std::pair<std::string, std::string>>;
std::string html_facts(const HtmlFacts &facts);

// A bar of a share from 0 to 1, of a class of page.css.
std::string html_bar(std::string_view css_class, double share);

// "12.34%" for SVG; a coordinate outside of the drawing is moved to its edge.
std::string html_percent(double share);

// "1.35 ×", "13.9 ×", "43,571 ×".
std::string html_ratio(double ratio);

// A relation or column without the schema that everybody uses.
std::string without_public(const std::string &name);

// JSON that may stand inside of a script element.
std::string html_json(std::string json);

} // namespace dbperf::client::reports
