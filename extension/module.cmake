# The server module, C++20 without its run-time library, and its SQL.
set(DBPERF_PG_CONFIG "$ENV{PG_CONFIG}" CACHE FILEPATH "pg_config of the server to build for")
if(NOT DBPERF_PG_CONFIG)
  find_program(DBPERF_PG_CONFIG_FOUND NAMES pg_config REQUIRED)
  set(DBPERF_PG_CONFIG "${DBPERF_PG_CONFIG_FOUND}" CACHE FILEPATH "" FORCE)
endif()
foreach(item includedir-server pkglibdir sharedir version)
  execute_process(COMMAND ${DBPERF_PG_CONFIG} --${item} OUTPUT_VARIABLE value
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE "-" "_" name ${item})
  set(pg_${name} "${value}")
endforeach()
string(REGEX MATCH "[0-9]+" pg_major "${pg_version}")
if(pg_major LESS 15)
  message(FATAL_ERROR "dbperf supports PostgreSQL 15 and later; ${DBPERF_PG_CONFIG} is of ${pg_version}")
endif()
message(STATUS "building for ${pg_version} (${DBPERF_PG_CONFIG})")

add_library(dbperf_module MODULE dbperf.cpp ${module_sources})
set_target_properties(dbperf_module PROPERTIES OUTPUT_NAME dbperf PREFIX "" LINKER_LANGUAGE C
  POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
target_include_directories(dbperf_module PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_include_directories(dbperf_module SYSTEM PRIVATE ${pg_includedir_server})
target_compile_definitions(dbperf_module PRIVATE DBPERF_VERSION="${PROJECT_VERSION}" _GNU_SOURCE)
# Without any optimization what the standard library checks is a call into it. With little of it the compiler warns of arrays that
# are filled in a loop, and of variables that live only inside what longjmp() leaves.
target_compile_options(dbperf_module PRIVATE -fno-exceptions -fno-rtti -fno-threadsafe-statics
  -fno-strict-aliasing -fwrapv -fno-asynchronous-unwind-tables -fno-plt $<IF:$<CONFIG:Debug>,-O1;-Wno-maybe-uninitialized;-Wno-clobbered,-O3>)
target_link_libraries(dbperf_module PRIVATE dbperf_warnings m)
# Most of the time goes into reading headers. Several files at a time begin with the server's; that the pure files need none of
# them, the unit tests show.
if(DBPERF_UNITY)
  set_target_properties(dbperf_module PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 40
    UNITY_BUILD_CODE_BEFORE_INCLUDE "#include \"core/pg.h\"")
else()
  target_precompile_headers(dbperf_module PRIVATE core/pg.h)
  set_source_files_properties(${pure_sources} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
endif()
# The hot path crosses files (hooks, identity, statement table); inlining across them is a third of its cost.
include(CheckIPOSupported)
check_ipo_supported(RESULT ipo_supported LANGUAGES CXX)
if(ipo_supported AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  set_target_properties(dbperf_module PROPERTIES INTERPROCEDURAL_OPTIMIZATION ON)
endif()
target_link_options(dbperf_module PRIVATE -Wl,--as-needed $<$<NOT:$<CONFIG:Debug>>:-O3>)

# The SQL script is the topic files of sql/ in the order that stands there; every file is the living definition of its topic.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/sql/order)
file(STRINGS ${PROJECT_SOURCE_DIR}/sql/order sql_topics REGEX "^[a-z]")
list(TRANSFORM sql_topics REPLACE " .*" "")
set(sql_script ${CMAKE_CURRENT_BINARY_DIR}/dbperf--${PROJECT_VERSION}.sql)
list(TRANSFORM sql_topics REPLACE "(.+)" "${PROJECT_SOURCE_DIR}/sql/\\1.sql" OUTPUT_VARIABLE sql_files)
add_custom_command(OUTPUT ${sql_script} COMMAND cat ${sql_files} > ${sql_script} DEPENDS ${sql_files} VERBATIM)

# From every earlier version that sql/upgrade/ has a step for, one script to this one.
file(GLOB upgrade_steps CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/sql/upgrade/*_to_*.sql)
file(GLOB upgrade_parts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/sql/upgrade/* ${PROJECT_SOURCE_DIR}/sql/statements.awk)
set(upgrade_scripts "")
foreach(step ${upgrade_steps})
  string(REGEX REPLACE "^.*/([^/]*)_to_.*$" "\\1" from ${step})
  set(script ${CMAKE_CURRENT_BINARY_DIR}/dbperf--${from}--${PROJECT_VERSION}.sql)
  add_custom_command(OUTPUT ${script}
    COMMAND ${PROJECT_SOURCE_DIR}/sql/upgrade/generate ${from} ${PROJECT_VERSION} ${sql_topics} > ${script}
    DEPENDS ${sql_files} ${upgrade_parts} VERBATIM)
  list(APPEND upgrade_scripts ${script})
endforeach()
add_custom_target(dbperf_sql ALL DEPENDS ${sql_script} ${upgrade_scripts})
configure_file(${PROJECT_SOURCE_DIR}/sql/dbperf.control.in ${CMAKE_CURRENT_BINARY_DIR}/dbperf.control @ONLY)

if(DBPERF_MODULE_ASAN)
  target_compile_options(dbperf_module PRIVATE -fsanitize=address -fno-omit-frame-pointer)
  target_link_options(dbperf_module PRIVATE -fsanitize=address)
endif()
install(TARGETS dbperf_module DESTINATION ${pg_pkglibdir} COMPONENT extension)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/dbperf.control ${sql_script} ${upgrade_scripts} DESTINATION ${pg_sharedir}/extension COMPONENT extension)
