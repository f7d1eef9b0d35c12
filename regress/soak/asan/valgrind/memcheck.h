// Stands in for Valgrind's header where PostgreSQL is built with the address sanitizer and USE_VALGRIND: what the server says of
// its memory contexts and buffer pins becomes the sanitizer's poison, so that a use of memory after pfree(), after the reset of a
// context or after the unpin of a page is reported as one after free() would be.
#ifndef DBPERF_MEMCHECK_H
#define DBPERF_MEMCHECK_H

#include <sanitizer/asan_interface.h>

#define VALGRIND_MAKE_MEM_NOACCESS(address, size) __asan_poison_memory_region((address), (size))
#define VALGRIND_MAKE_MEM_UNDEFINED(address, size) __asan_unpoison_memory_region((address), (size))
#define VALGRIND_MAKE_MEM_DEFINED(address, size) __asan_unpoison_memory_region((address), (size))
#define VALGRIND_MEMPOOL_ALLOC(pool, address, size) __asan_unpoison_memory_region((address), (size))
#define VALGRIND_MEMPOOL_CHANGE(pool, old, address, size) __asan_unpoison_memory_region((address), (size))
#define VALGRIND_MEMPOOL_FREE(pool, address) ((void)(address)) // the context has marked it itself
#define VALGRIND_CREATE_MEMPOOL(pool, redzone, zeroed) ((void)(pool))
#define VALGRIND_DESTROY_MEMPOOL(pool) ((void)(pool))
#define VALGRIND_CHECK_MEM_IS_DEFINED(address, size) ((void)(address))

#endif
