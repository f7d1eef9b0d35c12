-- Guard and conventions of the install script. Topic files follow in the order of extension/CMakeLists.txt.
\echo Use "CREATE EXTENSION dbperf" to load this file. \quit
