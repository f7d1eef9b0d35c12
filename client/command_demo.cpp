#include "command.h"
namespace dbperf::client { int command_demo(const Context &) { return 0; } }
