#include "deadlock/scenario.h"

#include "base/error.h"
#include "base/file_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <string_view>
#include <utility>

namespace dbperf::client::deadlock {
using namespace base;

namespace {

enum class Kind { word, name, block, open, close, comma, number, star, end };

struct Item {
    Kind kind = Kind::end;
    std::string text;
    int line = 0;
};

class Reader {
public:
    Reader(std::string_view text, std::string file) : text_(text), file_(std::move(file)) { advance(); }

    const Item &current() const { return current_; }
    bool control_marked() { return std::exchange(control_marked_, false); }
    std::optional<bool> expectation() { return std::exchange(expectation_, {}); }

    Item take() {
        Item taken = current_;
        advance();
        return taken;
    }

    bool is_keyword(std::string_view keyword) const { return current_.kind == Kind::word && current_.text == keyword; }

    // A name may be quoted or not.
    Item take_name(std::string_view what) {
        if (current_.kind != Kind::word && current_.kind != Kind::name)
            fail(fmt::format("expected the name of a {}", what));
        return take();
    }

    std::string take_block(std::string_view what) {
        if (current_.kind != Kind::block)
            fail(fmt::format("expected {{ SQL }} after {}", what));
        return take().text;
    }

    [[noreturn]] void fail(const std::string &expected) const {
        fail_at(current_.line, fmt::format("{}, found {}", expected, describe()));
    }

    [[noreturn]] void fail_at(int line, const std::string &message) const {
        throw usage_error(fmt::format("{}:{}: {}", file_, line, message));
    }

private:
    std::string describe() const {
        switch (current_.kind) {
        case Kind::end:
            return "the end of the file";
        case Kind::block:
            return "{ SQL }";
        default:
            return fmt::format("\"{}\"", current_.text);
        }
    }

    void skip_spaces_and_comments() {
        while (at_ < text_.size()) {
            if (text_[at_] == '#') {
                const std::size_t end = std::min(text_.find('\n', at_), text_.size());
                read_mark(trim(text_.substr(at_ + 1, end - at_ - 1)));
                at_ = end;
            } else if (std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
                line_ += text_[at_] == '\n' ? 1 : 0;
                ++at_;
            } else {
                return;
            }
        }
    }

    void read_mark(std::string_view comment) {
        constexpr std::string_view ours = "dbperf:";
        if (comment.substr(0, ours.size()) != ours)
            return;
        const std::string_view mark = trim(comment.substr(ours.size()));
        if (mark == "control")
            control_marked_ = true;
        else if (mark == "expect deadlock" || mark == "expect none")
            expectation_ = mark == "expect deadlock";
        else
            fail_at(line_,
                    fmt::format("expected \"control\", \"expect deadlock\" or \"expect none\" after \"dbperf:\", "
                                "found \"{}\"",
                                mark));
    }

    void advance() {
        skip_spaces_and_comments();
        current_ = {Kind::end, "", line_};
        if (at_ >= text_.size())
            return;
        const char c = text_[at_];
        if (c == '"' || c == '{') {
            const std::size_t close = text_.find(c == '"' ? '"' : '}', at_ + 1);
            if (close == std::string_view::npos)
                fail_at(line_, c == '"' ? "this quoted name never ends" : "this { never finds its }");
            const std::string_view inside = text_.substr(at_ + 1, close - at_ - 1);
            current_.kind = c == '"' ? Kind::name : Kind::block;
            current_.text = c == '"' ? inside : trim(inside);
            current_.line += c == '"' ? 0 : line_at(inside, inside.find_first_not_of(" \t\r\n")) - 1;
            line_ += static_cast<int>(std::count(inside.begin(), inside.end(), '\n'));
            at_ = close + 1;
            return;
        }
        std::size_t end = at_;
        while (end < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[end])) != 0 || text_[end] == '_' ||
                                      text_[end] == '$' || (text_[end] & 0x80) != 0))
            ++end;
        if (end > at_) {
            current_.kind = std::isdigit(static_cast<unsigned char>(c)) != 0 ? Kind::number : Kind::word;
        } else {
            end = at_ + 1;
            current_.kind = c == '(' ? Kind::open : c == ')' ? Kind::close : c == ',' ? Kind::comma : Kind::star;
            if (current_.kind == Kind::star && c != '*')
                fail_at(line_, fmt::format("unexpected character \"{}\"", c));
        }
        current_.text = text_.substr(at_, end - at_);
        at_ = end;
    }

    std::string_view text_;
    std::string file_;
    std::size_t at_ = 0;
    int line_ = 1;
    Item current_;
    bool control_marked_ = false;
    std::optional<bool> expectation_;
};

struct NamedStep {
    std::string name;
    int line;
};

struct NamedPermutation {
    std::vector<NamedStep> steps;
    bool control;
    std::optional<bool> expects_deadlock;
    int line;
};

SpecSession read_session(Reader &reader) {
    SpecSession session;
    session.name = reader.take_name("session").text;
    if (reader.is_keyword("setup")) {
        reader.take();
        session.setup = reader.take_block("setup");
    }
    while (reader.is_keyword("step")) {
        reader.take();
        const Item name = reader.take_name("step");
        const int line = reader.current().line;
        session.steps.push_back({name.text, reader.take_block("the step's name"), line});
    }
    if (session.steps.empty())
        reader.fail("expected \"step\"");
    if (reader.is_keyword("teardown")) {
        reader.take();
        session.teardown = reader.take_block("teardown");
    }
    return session;
}

// The isolation tester's notes on what a step waits for are read and not needed: waiting is observed here.
void skip_blockers(Reader &reader) {
    if (reader.current().kind != Kind::open)
        return;
    while (reader.current().kind != Kind::close) {
        if (reader.current().kind == Kind::end)
            reader.fail("expected \")\"");
        reader.take();
    }
    reader.take();
}

NamedPermutation read_permutation(Reader &reader, bool control, std::optional<bool> expects_deadlock, int line) {
    NamedPermutation permutation{{}, control, expects_deadlock, line};
    const auto is_section = [&] {
        return reader.is_keyword("permutation") || reader.is_keyword("session") || reader.is_keyword("setup") ||
               reader.is_keyword("teardown");
    };
    while ((reader.current().kind == Kind::word || reader.current().kind == Kind::name) && !is_section()) {
        const Item step = reader.take();
        permutation.steps.push_back({step.text, step.line});
        skip_blockers(reader);
    }
    if (permutation.steps.empty())
        reader.fail("expected the name of a step");
    return permutation;
}

Permutation resolve(const NamedPermutation &named, const std::map<std::string, StepReference> &steps,
                    const Reader &reader) {
    Permutation permutation;
    permutation.control = named.control;
    permutation.line = named.line;
    permutation.expects_deadlock = named.expects_deadlock;
    std::map<std::size_t, std::size_t> next_step;
    for (const NamedStep &step : named.steps) {
        const auto found = steps.find(step.name);
        if (found == steps.end())
            reader.fail_at(step.line, fmt::format("no step is named \"{}\"", step.name));
        std::size_t &next = next_step[found->second.session];
        if (found->second.step < next)
            reader.fail_at(step.line, fmt::format("step \"{}\" comes after a later step of its session", step.name));
        next = found->second.step + 1;
        permutation.steps.push_back(found->second);
    }
    return permutation;
}

Permutation taking_turns(const std::vector<SpecSession> &sessions) {
    Permutation permutation;
    std::size_t longest = 0;
    for (const SpecSession &session : sessions)
        longest = std::max(longest, session.steps.size());
    for (std::size_t step = 0; step < longest; ++step)
        for (std::size_t session = 0; session < sessions.size(); ++session)
            if (step < sessions[session].steps.size())
                permutation.steps.push_back({session, step});
    return permutation;
}

} // namespace

Permutation DeadlockSpec::control() const {
    for (const Permutation &permutation : permutations)
        if (permutation.control)
            return permutation;
    Permutation serial;
    serial.control = true;
    // Only the sessions that take part in the scenario itself.
    for (std::size_t session = 0; session < sessions.size(); ++session)
        for (std::size_t step = 0; step < sessions[session].steps.size(); ++step) {
            const auto &used = permutations.front().steps;
            if (std::any_of(used.begin(), used.end(), [&](const StepReference &at) { return at.session == session; }))
                serial.steps.push_back({session, step});
        }
    return serial;
}

DeadlockSpec parse_deadlock_spec(const std::string &text, const std::string &file) {
    DeadlockSpec spec;
    spec.file = file;
    spec.name = std::filesystem::path(file).stem().string();
    Reader reader(text, file);
    std::map<std::string, StepReference> steps;
    std::vector<NamedPermutation> permutations;
    while (reader.current().kind != Kind::end) {
        const Item keyword = reader.current();
        const bool control = reader.control_marked();
        const std::optional<bool> expectation = reader.expectation();
        if (reader.is_keyword("setup")) {
            reader.take();
            spec.setups.push_back(reader.take_block("setup"));
        } else if (reader.is_keyword("teardown")) {
            reader.take();
            spec.teardown = reader.take_block("teardown");
        } else if (reader.is_keyword("session")) {
            reader.take();
            SpecSession session = read_session(reader);
            for (std::size_t i = 0; i < session.steps.size(); ++i)
                if (!steps.emplace(session.steps[i].name, StepReference{spec.sessions.size(), i}).second)
                    reader.fail_at(session.steps[i].line,
                                   fmt::format("a second step is named \"{}\"", session.steps[i].name));
            spec.sessions.push_back(std::move(session));
        } else if (reader.is_keyword("permutation")) {
            reader.take();
            permutations.push_back(read_permutation(reader, control, expectation, keyword.line));
        } else {
            reader.fail("expected setup, teardown, session or permutation");
        }
    }
    if (spec.sessions.empty())
        reader.fail("expected \"session\"");
    for (const NamedPermutation &permutation : permutations)
        spec.permutations.push_back(resolve(permutation, steps, reader));
    if (std::all_of(spec.permutations.begin(), spec.permutations.end(),
                    [](const Permutation &each) { return each.control; }))
        spec.permutations.insert(spec.permutations.begin(), taking_turns(spec.sessions));
    return spec;
}

DeadlockSpec load_deadlock_spec(const std::string &file) {
    return parse_deadlock_spec(read_file(file), file);
}

} // namespace dbperf::client::deadlock
