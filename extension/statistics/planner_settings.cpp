#include "core/pg.h"

#include "statistics/planner_settings.h"

#include "core/compat.h"
#include "core/guard.h"
#include "statistics/json_members.h"
#include "statistics/session_statistics.h"

namespace dbperf::statistics::planner_settings {
using namespace core;

namespace {

// Not what decides which objects a name means, and not what is no cost.
constexpr const char *kept[] = {"search_path", "temp_buffers", "plan_cache_mode", "dbperf.statistics"};

bool is_kept(const char *setting) {
    for (const char *each : kept)
        if (strcmp(each, setting) == 0)
            return true;
    return false;
}

bool is_planners(const config_generic &setting) {
    return (setting.flags & GUC_EXPLAIN) != 0 && setting.context == PGC_USERSET && setting.source < PGC_S_INTERACTIVE;
}

void set_as_there(const char *name, const char *value, int *level) {
    const config_generic *setting = is_kept(name) ? nullptr : compat::find_setting(name);
    if (!setting || !is_planners(*setting))
        return;
    const char *here = GetConfigOption(name, true, false);
    if (!here || strcmp(here, value) == 0)
        return;
    if (*level == 0)
        *level = NewGUCNestLevel();
    // A value that this server does not take is no reason to plan otherwise.
    set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, DEBUG1, false);
}

} // namespace

int apply() {
    const Jsonb *settings = session_statistics::planner_settings();
    int level = 0;
    if (!settings)
        return level;
    catch_errors([&] {
        JsonbIterator *iterator = JsonbIteratorInit(const_cast<JsonbContainer *>(&settings->root));
        JsonbValue value;
        const char *name = nullptr;
        for (JsonbIteratorToken token = JsonbIteratorNext(&iterator, &value, true); token != WJB_DONE;
             token = JsonbIteratorNext(&iterator, &value, true)) {
            if (token == WJB_KEY)
                name = pnstrdup(value.val.string.val, static_cast<Size>(value.val.string.len));
            else if (token == WJB_VALUE && name && value.type == jbvString)
                set_as_there(name, pnstrdup(value.val.string.val, static_cast<Size>(value.val.string.len)), &level);
        }
    });
    return level;
}

void put_back(int level) {
    if (level > 0)
        AtEOXact_GUC(false, level);
}

} // namespace dbperf::statistics::planner_settings
