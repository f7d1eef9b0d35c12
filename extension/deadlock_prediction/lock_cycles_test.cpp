// Transactions written as text, so that a test reads like the deadlock it is about.
#include "deadlock_prediction/lock_cycles.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <deque>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "core/hash.h"

namespace dbperf::deadlock_prediction {
using namespace core;

namespace {

// "u1 u2": words are a mode and a resource. Rows: k s n u (the four clauses), w (UPDATE), d (DELETE), i (INSERT), c
// (ON CONFLICT DO UPDATE). Tables: t<mode><name>, as in t8a. Advisory: S1, X1. A trailing ! does not wait; "[" begins a
// savepoint, "]" goes back to it, ")" releases it. The statement's fingerprint is the word without its number, unless
// the word ends in @name.
class Transactions {
public:
    void add(const std::string &text, uint32_t seen = 1) {
        steps_.emplace_back(64);
        statements_.emplace_back();
        LockRecorder recorder{steps_.back()};
        uint16_t level = 1;
        std::istringstream words(text);
        for (std::string word; words >> word;) {
            if (word == "[") {
                ++level;
            } else if (word == "]") {
                recorder.roll_back(level--);
            } else if (word == ")") {
                recorder.commit(level--);
            } else {
                LockStep step = step_of(word);
                step.level = level;
                step.statement = static_cast<uint16_t>(statements_.back().size());
                const size_t at = word.find('@');
                statements_.back().push_back(
                    hash_text(at == std::string::npos ? word.substr(0, 1) : word.substr(at + 1)));
                recorder.add(step);
            }
        }
        traces_.push_back({{steps_.back().data(), recorder.steps().size()}, statements_.back(), seen});
    }

    struct Answer {
        CycleSearch search;
        std::vector<LockCycle> cycles;
    };
    Answer find(size_t most = 100, uint64_t work = 100'000'000, size_t memory = 0) {
        size_t steps = 0;
        for (size_t i = 0; i < traces_.size(); ++i) {
            traces_[i].statements = statements_[i];
            steps += traces_[i].steps.size();
        }
        std::vector<std::byte> room(memory ? memory : memory_for_cycles(traces_.size(), steps));
        Answer answer{{}, std::vector<LockCycle>(most)};
        answer.search = find_lock_cycles(traces_, room, answer.cycles, work);
        answer.cycles.resize(answer.search.count);
        return answer;
    }

    // "0:1-3 1:1-2": of each member the transaction and the steps held and requested, from 0.
    std::string reported() {
        std::string text;
        for (const LockCycle &cycle : find().cycles) {
            text += text.empty() ? "" : "; ";
            for (uint32_t i = 0; i < cycle.length; ++i)
                text += (i ? " " : "") + std::to_string(cycle.members[i].trace) + ":" +
                        std::to_string(cycle.members[i].held) + "-" + std::to_string(cycle.members[i].requested);
        }
        return text;
    }

    const LockTrace &operator[](size_t i) const { return traces_[i]; }

private:
    static LockStep step_of(std::string word) {
        LockStep step{};
        step.released = never_released;
        step.waits = true;
        word = word.substr(0, word.find('@'));
        if (word.back() == '!') {
            step.waits = false;
            word.pop_back();
        }
        static const std::map<char, RowAction> rows = {
            {'k', RowAction::key_share}, {'s', RowAction::share},  {'n', RowAction::no_key_update},
            {'u', RowAction::update},    {'w', RowAction::write},  {'d', RowAction::write_key},
            {'i', RowAction::insert},    {'c', RowAction::upsert},
        };
        if (word[0] == 't') {
            step.kind = LockKind::table;
            step.mode = static_cast<uint8_t>(word[1] - '0');
            word = word.substr(2);
        } else if (word[0] == 'S' || word[0] == 'X') {
            step.kind = LockKind::advisory;
            step.mode = word[0] == 'X';
            word = word.substr(1);
        } else {
            step.kind = LockKind::row;
            step.mode = static_cast<uint8_t>(rows.at(word[0]));
            word = word.substr(1);
        }
        step.resource = hash_text(word);
        return step;
    }

    std::deque<std::vector<LockStep>> steps_;
    std::deque<std::vector<uint64_t>> statements_;
    std::vector<LockTrace> traces_;
};

std::string cycles_of(std::initializer_list<const char *> transactions) {
    Transactions all;
    for (const char *text : transactions)
        all.add(text);
    return all.reported();
}

TEST(lock_cycles, reverse_order) {
    EXPECT_EQ(cycles_of({"w1 w2", "w2 w1"}), "0:0-1 1:0-1");
    EXPECT_EQ(cycles_of({"u1 u2", "u2 u1"}), "0:0-1 1:0-1");
    EXPECT_EQ(cycles_of({"d1 w2", "w2 n1"}), "0:0-1 1:0-1");
}

TEST(lock_cycles, one_order_is_safe) {
    EXPECT_EQ(cycles_of({"w1 w2", "w1 w2"}), "");
    EXPECT_EQ(cycles_of({"w1 w2 w3", "w2 w3", "w1 w3"}), "");
}

TEST(lock_cycles, other_rows_are_safe) {
    EXPECT_EQ(cycles_of({"w1 w2", "w3 w4", "w2 w3"}), "");
}

TEST(lock_cycles, one_transaction_alone_is_safe) {
    EXPECT_EQ(cycles_of({"w1 w2 s3 w3"}), "");
}

TEST(lock_cycles, three_and_four_in_a_circle) {
    EXPECT_EQ(cycles_of({"w1 w2", "w2 w3", "w3 w1"}), "0:0-1 1:0-1 2:0-1");
    EXPECT_EQ(cycles_of({"w1 w2", "w2 w3", "w3 w4", "w4 w1"}), "0:0-1 1:0-1 2:0-1 3:0-1");
    EXPECT_EQ(cycles_of({"w1 w2", "w2 w3", "w3 w4", "w4 w5", "w5 w1"}), "") << "longer ones are not looked for";
}

TEST(lock_cycles, a_gate_serialises) {
    EXPECT_EQ(cycles_of({"u9 w1 w2", "u9 w2 w1"}), "");
    EXPECT_EQ(cycles_of({"X9 w1 w2", "X9 w2 w1"}), "");
    EXPECT_EQ(cycles_of({"t7g w1 w2", "t7g w2 w1"}), "");
    EXPECT_NE(cycles_of({"S9 w1 w2", "S9 w2 w1"}), "") << "a shared gate lets both in";
    EXPECT_NE(cycles_of({"k9 w1 w2", "n9 w2 w1"}), "");
    EXPECT_NE(cycles_of({"w1 w2 u9", "w2 w1 u9"}), "") << "a gate that comes too late";
    EXPECT_EQ(cycles_of({"u9 w1 w2", "u9 w2 w3", "u9 w3 w1"}), "");
    EXPECT_NE(cycles_of({"u8 w1 w2", "u9 w2 w1"}), "");
}

TEST(lock_cycles, a_gate_between_two_of_three_is_enough) {
    EXPECT_EQ(cycles_of({"u9 w1 w2", "w2 w3", "u9 w3 w1"}), "");
}

TEST(lock_cycles, modes_that_get_along_are_safe) {
    EXPECT_EQ(cycles_of({"s1 s2", "s2 s1"}), "");
    EXPECT_EQ(cycles_of({"k1 w2", "k2 w1"}), "") << "foreign keys against updates of other columns";
    EXPECT_NE(cycles_of({"k1 d2", "k2 d1"}), "");
    EXPECT_EQ(cycles_of({"t3a t3b", "t3b t3a"}), "");
    EXPECT_EQ(cycles_of({"S1 S2", "S2 S1"}), "");
}

TEST(lock_cycles, upgrades) {
    EXPECT_EQ(cycles_of({"s1 w1", "s1 w1"}), "0:0-1 1:0-1");
    EXPECT_EQ(cycles_of({"k1 u1", "k1 u1"}), "0:0-1 1:0-1");
    EXPECT_EQ(cycles_of({"k1 w1", "k1 w1"}), "") << "KEY SHARE does not keep an update waiting";
    EXPECT_EQ(cycles_of({"t1a t8a", "t1a t8a"}), "0:0-1 1:0-1");
    EXPECT_EQ(cycles_of({"s1 w1", "w1"}), "") << "only one of them has the weaker lock";
    EXPECT_EQ(cycles_of({"u1 w1", "u1 w1"}), "") << "the strongest first";
}

TEST(lock_cycles, a_transaction_against_another_of_its_kind) {
    Transactions once, twice;
    once.add("s1 w1", 1);
    twice.add("s1 w1", 2);
    EXPECT_EQ(once.reported(), "");
    EXPECT_EQ(twice.reported(), "0:0-1 0:0-1");
    Transactions exclusive;
    exclusive.add("w1 w2", 9);
    EXPECT_EQ(exclusive.reported(), "");
}

// What only one of them does besides moves the numbers of its steps.
TEST(lock_cycles, steps_of_the_other_have_its_own_numbers) {
    EXPECT_EQ(cycles_of({"w7@x w8@x s1@a w1@b", "s1@a w1@b"}), "0:2-3 1:0-1");
    EXPECT_EQ(cycles_of({"s1@a w1@b", "w7@x w8@x s1@a w1@b"}), "0:0-1 1:2-3");
}

// Both went the first way, one of them also the way back: it is the other one that it meets.
TEST(lock_cycles, members_are_transactions_of_their_own) {
    EXPECT_EQ(cycles_of({"S1@a t4b@a X1@c", "S1@a t4b@a"}), "1:0-1 0:1-2");
}

TEST(lock_cycles, who_does_not_wait_closes_nothing) {
    EXPECT_EQ(cycles_of({"u1 u2!", "u2 u1"}), "");
    EXPECT_NE(cycles_of({"u1! u2", "u2! u1"}), "") << "but what it got it holds";
    EXPECT_EQ(cycles_of({"X1 X2!", "X2 X1!"}), "");
}

TEST(lock_cycles, what_was_rolled_back_is_not_held) {
    EXPECT_EQ(cycles_of({"[ w1 ] w2", "w2 w1"}), "");
    EXPECT_NE(cycles_of({"[ w1 ) w2", "w2 w1"}), "");
    EXPECT_NE(cycles_of({"w1 [ w2 ] w3", "w2 w1"}), "") << "it did wait for it";
    EXPECT_NE(cycles_of({"[ w1 ] w2 w1", "w1 w2"}), "");
    EXPECT_EQ(cycles_of({"[ u9 ] w1 w2", "u9 w2 w1"}), "0:1-2 1:1-2") << "nor is it a gate";
}

TEST(lock_cycles, keys_that_are_inserted) {
    EXPECT_NE(cycles_of({"i1 i2", "i2 i1"}), "");
    EXPECT_EQ(cycles_of({"i1 i2", "i1 i2"}), "");
    EXPECT_NE(cycles_of({"c1 c2", "c2 c1"}), "");
    EXPECT_NE(cycles_of({"c1 c2", "w2 w1"}), "");
    EXPECT_EQ(cycles_of({"i1 w2", "w2 w1"}), "") << "a row that is not committed is not seen";
    EXPECT_EQ(cycles_of({"u1 w2", "w2 i1"}), "") << "who locks a row lets its key be found at once";
    EXPECT_NE(cycles_of({"d1 w2", "w2 i1"}), "");
}

TEST(lock_cycles, kinds_mix) {
    EXPECT_EQ(cycles_of({"X1 w2", "w2 X1"}), "0:0-1 1:0-1");
    EXPECT_EQ(cycles_of({"t3a t8b", "t3b t8a"}), "0:0-1 1:0-1");
    EXPECT_EQ(cycles_of({"t1a t8b w9", "t3b w9 t8a"}), "0:0-1 1:0-2");
}

TEST(lock_cycles, the_same_statements_are_reported_once) {
    Transactions all;
    for (int i = 0; i < 40; ++i)
        for (int j = 0; j < 40; ++j)
            if (i != j)
                all.add("w" + std::to_string(i) + "@from w" + std::to_string(j) + "@to");
    const auto answer = all.find();
    EXPECT_EQ(answer.search.count, 1u);
    EXPECT_TRUE(answer.search.complete);
}

TEST(lock_cycles, a_longer_cycle_of_the_same_statements_is_not_reported_again) {
    EXPECT_EQ(cycles_of({"w1@a w2@b", "w2@a w1@b", "w2@a w3@b", "w3@a w1@b"}), "0:0-1 1:0-1");
}

TEST(lock_cycles, members_hold_what_the_one_before_requests) {
    Transactions all;
    all.add("w1 w5 w2");
    all.add("w3 w1");
    all.add("w2 w6 w3");
    const auto answer = all.find();
    ASSERT_EQ(answer.search.count, 1u);
    const LockCycle &cycle = answer.cycles[0];
    for (uint32_t i = 0; i < cycle.length; ++i) {
        const CycleMember &member = cycle.members[i], &next = cycle.members[(i + 1) % cycle.length];
        EXPECT_EQ(all[member.trace].steps[member.requested].resource, all[next.trace].steps[next.held].resource);
        EXPECT_LT(member.held, member.requested);
    }
}

TEST(lock_cycles, too_little_room_is_said) {
    Transactions all;
    all.add("w1 w2");
    all.add("w2 w1");
    EXPECT_FALSE(all.find(100, 1'000'000, 64).search.complete);
    EXPECT_FALSE(all.find(100, 1).search.complete);
    EXPECT_FALSE(all.find(100, 0).search.complete);
    EXPECT_TRUE(all.find(100, 1'000'000).search.complete);
    for (size_t memory = 1000; memory < 40'000; memory += 500) {
        const CycleSearch search = all.find(100, 1'000'000, memory).search;
        EXPECT_TRUE(search.count == 1 || !search.complete) << memory;
    }
    Transactions many;
    for (int i = 0; i < 20; ++i) {
        const std::string name = std::to_string(i);
        many.add("w1" + name + "@a" + name + " w2" + name + "@b");
        many.add("w2" + name + "@c w1" + name + "@d");
    }
    const auto few = many.find(5);
    EXPECT_EQ(few.search.count, 5u);
    EXPECT_FALSE(few.search.complete);
    EXPECT_EQ(many.find(100).search.count, 20u);
}

// The definition, without any short cut: all pairs of requests of all pairs of transactions.
bool has_pair(const Transactions &all, size_t count) {
    const auto held = [](const LockTrace &trace, size_t at, size_t i) {
        return i < at && trace.steps[i].released > at;
    };
    for (size_t a = 0; a < count; ++a)
        for (size_t b = a + 1; b < count; ++b)
            for (size_t ra = 0; ra < all[a].steps.size(); ++ra)
                for (size_t rb = 0; rb < all[b].steps.size(); ++rb) {
                    const LockStep &wa = all[a].steps[ra], &wb = all[b].steps[rb];
                    bool a_waits = false, b_waits = false, apart = false;
                    for (size_t i = 0; i < all[a].steps.size(); ++i) {
                        if (!held(all[a], ra, i))
                            continue;
                        const LockStep &ha = all[a].steps[i];
                        b_waits |= wb.waits && ha.resource == wb.resource && lock_conflicts(ha.kind, ha.mode, wb.mode);
                        for (size_t k = 0; k < all[b].steps.size(); ++k) {
                            const LockStep &hb = all[b].steps[k];
                            apart |= held(all[b], rb, k) && ha.resource == hb.resource &&
                                     locks_exclude(ha.kind, ha.mode, hb.mode);
                        }
                    }
                    for (size_t k = 0; k < all[b].steps.size(); ++k) {
                        const LockStep &hb = all[b].steps[k];
                        a_waits |= wa.waits && held(all[b], rb, k) && hb.resource == wa.resource &&
                                   lock_conflicts(hb.kind, hb.mode, wa.mode);
                    }
                    if (a_waits && b_waits && !apart)
                        return true;
                }
    return false;
}

TEST(lock_cycles, finds_what_the_definition_finds) {
    std::mt19937 random(7);
    const char modes[] = "ksnuwdic";
    int deadlocks = 0;
    for (int round = 0; round < 3000; ++round) {
        Transactions all;
        std::string said;
        for (int t = 0; t < 3; ++t) {
            std::string text;
            bool saved = false;
            for (int i = 0; i < 4; ++i) {
                if (random() % 6 == 0 && !saved)
                    text += "[ ", saved = true;
                text += std::string(1, modes[random() % 8]) + std::to_string(random() % 3);
                text += random() % 5 == 0 ? "! " : " ";
                if (saved && random() % 3 == 0)
                    text += "] ", saved = false;
            }
            all.add(text);
            said += text + "| ";
        }
        bool found = false;
        for (const LockCycle &cycle : all.find().cycles)
            found |= cycle.length == 2;
        deadlocks += found;
        ASSERT_EQ(found, has_pair(all, 3)) << round << ": " << said;
    }
    EXPECT_GT(deadlocks, 300);
    EXPECT_LT(deadlocks, 2900);
}

double seconds_for(int count, int rows, bool ordered) {
    std::mt19937 random(1);
    Transactions all;
    for (int t = 0; t < count; ++t) {
        std::vector<int> ids;
        for (int i = 0; i < 4; ++i)
            ids.push_back(static_cast<int>(random() % static_cast<unsigned>(rows)));
        if (ordered)
            std::sort(ids.begin(), ids.end());
        std::string text;
        for (const int id : ids)
            text += "w" + std::to_string(id) + "@" + std::to_string(random() % 5) + " ";
        all.add(text);
    }
    const std::clock_t begin = std::clock(); // of the processor: other tests run beside this one
    const auto answer = all.find(1000, 20'000'000);
    EXPECT_EQ(answer.search.count == 0, ordered);
    return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

// The sanitizers look for other faults than slowness, and would take half a minute.
#ifdef __SANITIZE_ADDRESS__
constexpr int max_transactions = 10'000;
#else
constexpr int max_transactions = 100'000;
#endif

// Ten times the transactions may take some thirty times as long, not a hundred: nothing compares all with all.
TEST(lock_cycles, grows_with_the_number_of_transactions) {
    for (const bool ordered : {true, false})
        for (const int rows : {20, 1000, 0}) { // 0: as many as transactions
            const int few_transactions = max_transactions / 10;
            const double few = seconds_for(few_transactions, rows ? rows : few_transactions, ordered);
            const double many = seconds_for(max_transactions, rows ? rows : max_transactions, ordered);
            RecordProperty((ordered ? "ordered_" : "random_") + std::to_string(rows), std::to_string(many));
            EXPECT_LT(many, few * 40 + 1) << rows << (ordered ? " ordered" : " random");
        }
}

} // namespace
} // namespace dbperf::deadlock_prediction
