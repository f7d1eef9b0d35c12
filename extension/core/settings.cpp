// Defines dbperf.*; knows no subsystem that uses a setting.
#include "core/pg.h"

#include "core/settings.h"

#include <climits>

#include "core/compat.h"
#include "core/hash.h"

namespace dbperf::core::settings {

int max_statements = 3000;
int max_plans = 4000;
int max_findings = 1000;
int max_query_length = 4096;
int text_memory = 4096;
int queue_size = 8192;
int lineage_memory = 20480;
int max_units = 256;
int max_unit_names = 10000;
int lock_memory = 4096;
int max_trail = 64;
int max_lock_waits = 1000;
int max_parameter_sets = 32;
char *database = nullptr;
char *project = nullptr;
bool enabled = true;
int suppression = 0;
char *run = nullptr;
bool run_may_begin = false;
char *scope = nullptr;
int scope_gap = 200;
char *query_name = nullptr;
bool n_plus_one = true;
bool track_deadlocks = true;
int n_plus_one_threshold = 5;
int capture_plans = capture_new;
bool capture_timing = false;
bool keep_parameters = false;
int slow_query_threshold = 100;
double budget = 0;
int flush_timeout = 10000;
bool track_locks = false;
bool possible_cycles = false;
bool track_lock_waits = false;
int lock_wait_interval = 10;
char *pause_before_lock = nullptr;
Pause pause{};
bool pause_asked_for[2] = {false, false};
int acquire_timeout = 60000;
int max_test_databases = 32;
int test_database_space = 8192;
int max_kept_databases = 5;
int test_database_idle = 600;
bool verify = false;
uint32_t run_version = 0;
uint32_t known_run_generation = 0;
Derived derived_values{true, 0, 0, 0, 0, 0, 0, 0};

namespace {

constexpr size_t longest_label = 127;
constexpr int test_databases_limit = 256;

const config_enum_entry capture_options[] = {
    {"off", capture_off, false}, {"new", capture_new, false}, {"slow", capture_slow, false},
    {"all", capture_all, false}, {nullptr, 0, false},
};

bool check_label(char **value, void **, GucSource) {
    if (*value && strlen(*value) > longest_label) {
        GUC_check_errdetail("The value is longer than %d bytes.", static_cast<int>(longest_label));
        return false;
    }
    return true;
}

void enabled_assigned(bool value, void *) {
    suppression = value ? suppression & ~suppressed_by_setting : suppression | suppressed_by_setting;
}

// Whether who sets a label may begin runs with it. Settings of the server, its databases and roles were looked at when
// they were made (PGC_S_TEST), by the right of who made them; they hold for whoever connects.
bool begins_runs(GucSource source) {
    switch (source) {
    case PGC_S_CLIENT:
    case PGC_S_INTERACTIVE:
    case PGC_S_TEST:
    case PGC_S_SESSION:
        return IsTransactionState() && (superuser_arg(GetUserId()) || has_privs_of_role(GetUserId(), ROLE_PG_MONITOR));
    default:
        return true;
    }
}

bool check_run(char **value, void **extra, GucSource source) {
    if (!check_label(value, extra, source))
        return false;
    const bool may_begin = begins_runs(source);
    if (source == PGC_S_TEST && !may_begin && *value && (*value)[0] != '\0') {
        GUC_check_errcode(ERRCODE_INSUFFICIENT_PRIVILEGE);
        GUC_check_errmsg("permission denied to store a value of parameter \"dbperf.run\"");
        GUC_check_errhint(
            "It begins runs: superusers and members of pg_monitor set it for a database, role or function. "
            "With SET any session joins a run that is under way.");
        return false;
    }
    *extra = compat::allocate_for_setting(sizeof(bool));
    if (!*extra)
        return false;
    *static_cast<bool *>(*extra) = may_begin;
    return true;
}

void run_assigned(const char *, void *extra) {
    run_may_begin = extra && *static_cast<const bool *>(extra);
    ++run_version;
    known_run_generation = 0;
}

// The new values are not in place yet when assign hooks run; they are read at the next statement.
void text_assigned(const char *, void *) {
    derived_values.stale = true;
}
void scope_assigned(const char *value, void *) {
    derived_values.stale = true;
    ++derived_values.scope_sets;
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    derived_values.scope_set_at = static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
    if (!value || value[0] == '\0')
        ++derived_values.scope_ends;
}
// "<resource>/<n-th time>/<steps>/<key>/<watched>/<watched>": see Pause.
bool read_pause(const char *value, Pause *into) {
    constexpr int count = 6;
    *into = {};
    if (!value || value[0] == '\0')
        return true;
    uint64_t numbers[count] = {};
    const char *at = value;
    for (int i = 0; i < count; ++i) {
        if (*at < '0' || *at > '9')
            return false;
        for (; *at >= '0' && *at <= '9'; ++at)
            numbers[i] = numbers[i] * 10 + static_cast<uint64_t>(*at - '0');
        if (*at != (i < count - 1 ? '/' : '\0'))
            return false;
        at += i < count - 1 ? 1 : 0;
    }
    *into = {true,
             numbers[0],
             static_cast<uint32_t>(numbers[1]),
             static_cast<uint32_t>(numbers[2]),
             static_cast<uint32_t>(numbers[3]),
             {numbers[4], numbers[5]}};
    return true;
}

bool check_pause(char **value, void **, GucSource) {
    Pause ignored;
    return read_pause(*value, &ignored);
}
void pause_assigned(const char *value, void *) {
    read_pause(value, &pause);
}
const char *show_pause() {
    const char *const shown[] = {"", "held", "requested", "held requested"};
    return shown[(pause_asked_for[0] ? 1 : 0) + (pause_asked_for[1] ? 2 : 0)];
}
void int_assigned(int, void *) {
    derived_values.stale = true;
}
void real_assigned(double, void *) {
    derived_values.stale = true;
}

void define_int(const char *name, const char *what, int *value, int low, int high, GucContext context, int flags) {
    DefineCustomIntVariable(name, what, nullptr, value, *value, low, high, context, flags, nullptr, int_assigned,
                            nullptr);
}

void define_bool(const char *name, const char *what, bool *value, GucContext context,
                 GucBoolAssignHook assigned = nullptr) {
    DefineCustomBoolVariable(name, what, nullptr, value, *value, context, 0, nullptr, assigned, nullptr);
}

void define_label(const char *name, const char *what, char **value, GucContext context, GucStringAssignHook assigned,
                  GucStringCheckHook check = check_label) {
    DefineCustomStringVariable(name, what, nullptr, value, "", context, 0, check, assigned, nullptr);
}

} // namespace

uint64_t hash_of_label(const char *label) {
    return label && label[0] != '\0' ? hash_text(label) | 1 : 0;
}

[[gnu::noinline]] void derive() {
    derived_values.stale = false;
    derived_values.name = hash_of_label(query_name);
    derived_values.scope = hash_of_label(scope);
    derived_values.gap = static_cast<uint64_t>(scope_gap) * 1000000;
    derived_values.budget = budget > 0                 ? static_cast<uint64_t>(budget * 1e6)
                            : slow_query_threshold > 0 ? static_cast<uint64_t>(slow_query_threshold) * 1000000
                                                       : 0;
}

void install() {
    define_bool("dbperf.enabled", "Observes statements.", &enabled, PGC_SUSET, enabled_assigned);
    define_label("dbperf.database",
                 "Results database; empty: the first one in which a superuser created the extension.", &database,
                 PGC_SIGHUP, nullptr);
    define_label("dbperf.project",
                 "Name under which results are stored, for databases that hold those of many projects.", &project,
                 PGC_SIGHUP, nullptr);
    define_label("dbperf.run", "Label of the run this session belongs to; empty: the run of the whole server.", &run,
                 PGC_USERSET, run_assigned, check_run);
    define_label("dbperf.scope", "Names the unit of work (a request, a test) that the next statements belong to.",
                 &scope, PGC_USERSET, scope_assigned);
    define_int("dbperf.scope_gap", "Pause on a connection that ends an unnamed unit of work.", &scope_gap, 0, INT_MAX,
               PGC_USERSET, GUC_UNIT_MS);
    define_label("dbperf.query_name", "Names the next top-level statements in all reports.", &query_name, PGC_USERSET,
                 text_assigned);
    define_bool("dbperf.n_plus_one", "Looks for repeated lookups (N+1 queries).", &n_plus_one, PGC_USERSET);
    define_int("dbperf.n_plus_one_threshold", "Executions with different keys in one unit of work that make a finding.",
               &n_plus_one_threshold, 2, INT_MAX, PGC_USERSET, 0);
    DefineCustomEnumVariable("dbperf.capture_plans", "Which plans a run captures with ANALYZE and BUFFERS.",
                             "new: the first of each shape and a new slowest; slow: those over slow_query_threshold.",
                             &capture_plans, capture_new, capture_options, PGC_USERSET, 0, nullptr, nullptr, nullptr);
    define_bool("dbperf.capture_timing", "Also times every plan node of captured executions (slower).", &capture_timing,
                PGC_USERSET);
    // Off, and for superusers: values are the application's data.
    define_bool("dbperf.keep_parameters", "Keeps the parameters of statements in runs, to execute them again.",
                &keep_parameters, PGC_SUSET);
    define_int("dbperf.slow_query_threshold", "Duration above which a statement is slow; -1 turns it off.",
               &slow_query_threshold, -1, INT_MAX, PGC_USERSET, GUC_UNIT_MS);
    DefineCustomRealVariable("dbperf.budget", "Latency budget of the next statements, in milliseconds; 0: none.",
                             nullptr, &budget, 0, 0, 1e9, PGC_USERSET, 0, nullptr, real_assigned, nullptr);
    define_int("dbperf.flush_timeout", "How long flush() and finish_run() wait for a recorder that makes no progress.",
               &flush_timeout, 100, INT_MAX, PGC_USERSET, GUC_UNIT_MS);
    define_int("dbperf.acquire_timeout", "How long acquire_database() waits for a copy.", &acquire_timeout, 1, INT_MAX,
               PGC_USERSET, GUC_UNIT_MS);
    define_int("dbperf.max_test_databases", "Copies of templates that exist at a time.", &max_test_databases, 1,
               test_databases_limit, PGC_SIGHUP, 0);
    define_int("dbperf.max_kept_databases", "Copies kept as failed tests left them; the oldest ones go.",
               &max_kept_databases, 0, test_databases_limit, PGC_SIGHUP, 0);
    define_int("dbperf.test_database_space", "Disk space of all copies of templates.", &test_database_space, 1, INT_MAX,
               PGC_SIGHUP, GUC_UNIT_MB);
    define_int("dbperf.test_database_idle", "Copies that nobody acquires are dropped after this time.",
               &test_database_idle, 1, INT_MAX / 1000, PGC_SIGHUP, GUC_UNIT_S);
    define_bool("dbperf.verify", "Compares every database that is put back with its template.", &verify, PGC_USERSET);
    define_int("dbperf.max_statements", "Statements remembered in shared memory, 4 kB each.", &max_statements, 100,
               100000, PGC_POSTMASTER, 0);
    define_int("dbperf.max_plans", "Plan shapes remembered in shared memory.", &max_plans, 100, 1000000, PGC_POSTMASTER,
               0);
    define_int("dbperf.max_findings", "Unstored N+1 findings remembered in shared memory.", &max_findings, 16, 100000,
               PGC_POSTMASTER, 0);
    define_int("dbperf.max_query_length", "Longer query texts are cut; their identity is not affected.",
               &max_query_length, 128, 65536, PGC_POSTMASTER, GUC_UNIT_BYTE);
    define_int("dbperf.text_memory", "Shared memory for query texts.", &text_memory, 256, 1048576, PGC_POSTMASTER,
               GUC_UNIT_KB);
    define_int("dbperf.queue_size", "Shared memory for observations on their way to the tables.", &queue_size, 256,
               1048576, PGC_POSTMASTER, GUC_UNIT_KB);
    define_int("dbperf.lineage_memory", "Shared memory for remembering which statement returned which key.",
               &lineage_memory, 64, 1048576, PGC_POSTMASTER, GUC_UNIT_KB);
    define_int("dbperf.max_units", "Repeated statements followed across connections at a time, 5 kB each.", &max_units,
               16, 100000, PGC_POSTMASTER, 0);
    define_int("dbperf.max_unit_names", "Units of work remembered by name in runs under way, 1 kB each.",
               &max_unit_names, 16, 100000, PGC_POSTMASTER, 0);
    define_bool("dbperf.track_locks",
                "In runs, records which locks transactions take in which order, to predict deadlocks.", &track_locks,
                PGC_USERSET);
    define_bool("dbperf.possible_cycles",
                "Of transactions whose locks are tracked, also predicts deadlocks that other parameters could lead to.",
                &possible_cycles, PGC_USERSET);
    define_bool("dbperf.track_lock_waits",
                "In runs, a worker measures which statements wait for which locks, and for whom.", &track_lock_waits,
                PGC_SIGHUP);
    define_int("dbperf.lock_wait_interval",
               "How often waits for locks are looked at: those that are shorter are seen by chance.",
               &lock_wait_interval, 1, 10000, PGC_SIGHUP, GUC_UNIT_MS);
    define_int("dbperf.max_lock_waits", "Different waits for locks remembered in runs under way, 500 bytes each.",
               &max_lock_waits, 16, 100000, PGC_POSTMASTER, 0);
    define_int("dbperf.lock_memory", "Shared memory for the locks of transactions.", &lock_memory, 64, 1048576,
               PGC_POSTMASTER, GUC_UNIT_KB);
    DefineCustomStringVariable(
        "dbperf.pause_before_lock",
        "Used by dbperf deadlock --confirm: stops the session before one lock, or one step of its transaction.",
        "It then waits until nobody holds an advisory lock exclusively. SHOW answers which of its two locks the "
        "transaction has asked for.",
        &pause_before_lock, "", PGC_SUSET, GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE, check_pause, pause_assigned,
        show_pause);
    define_int("dbperf.max_parameter_sets", "Different parameters kept of each statement of a run.",
               &max_parameter_sets, 1, 1000, PGC_POSTMASTER, 0);
    define_bool("dbperf.track_deadlocks", "Remembers what transactions did and locked, to explain deadlocks.",
                &track_deadlocks, PGC_SUSET);
    define_int("dbperf.max_trail", "Locks of a transaction remembered for explaining deadlocks, 200 bytes each.",
               &max_trail, 8, 1000, PGC_POSTMASTER, 0);
    MarkGUCPrefixReserved("dbperf");
}

} // namespace dbperf::core::settings
