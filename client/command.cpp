#include "command.h"

namespace dbperf::client {

Context make_context(const Options &options) {
  Context context{options, load_project_file(options.project_file), {}, Style::choose(options.output.color)};
  context.target = connection_target(options.connection, context.project.database, process_environment);
  return context;
}

} // namespace dbperf::client
