// Several targets in one program, told apart by --target=NAME; --list names them. All other options are libFuzzer's. To
// run a finding again: PROGRAM --target=NAME FILE.
#include <fuzz/target.h>

#include <cstdio>
#include <cstdlib>
#include <set>
#include <vector>

namespace fuzz {
namespace {

const Part *all = nullptr;
std::vector<const Part *> chosen; // by name, so that a corpus keeps its meaning

std::string_view target_of(std::string_view file) {
    file.remove_prefix(file.rfind('/') + 1);
    return file.substr(0, file.rfind("_fuzz.cpp"));
}

void print_targets() {
    std::set<std::string_view> names;
    for (const Part *each = all; each; each = each->next)
        names.insert(each->target);
    for (const std::string_view name : names)
        std::printf("%s\n", std::string(name).c_str());
}

} // namespace

Part::Part(std::string_view file, std::string_view called, void (*runs)(Input input))
    : target(target_of(file)), name(called), run(runs), next(all) {
    all = this;
}

void fail(const char *file, int line, const char *what, std::string_view shown) {
    std::fprintf(stderr, "%s:%d: does not hold: %s\n%.*s\n", file, line, what, static_cast<int>(shown.size()),
                 shown.data());
    std::abort();
}

} // namespace fuzz

extern "C" int LLVMFuzzerInitialize(int *argc, char ***argv) {
    using namespace fuzz;
    constexpr std::string_view option = "--target=";
    std::string_view wanted;
    for (int i = 1; i < *argc; ++i) {
        const std::string_view argument = (*argv)[i];
        if (argument == "--list") {
            print_targets();
            std::exit(0);
        }
        if (argument.substr(0, option.size()) == option)
            wanted = argument.substr(option.size());
    }
    for (const Part *each = all; each; each = each->next)
        if (each->target == wanted)
            chosen.push_back(each);
    std::sort(chosen.begin(), chosen.end(), [](const Part *a, const Part *b) { return a->name < b->name; });
    if (chosen.empty()) {
        std::fprintf(stderr, "no such target; --list names what --target=NAME can be\n");
        std::exit(2);
    }
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    using namespace fuzz;
    Input input({reinterpret_cast<const char *>(data), size});
    const std::size_t part = chosen.size() == 1 ? 0 : input.below(static_cast<uint32_t>(chosen.size()));
    chosen[part]->run(input);
    return 0;
}
