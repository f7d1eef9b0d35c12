// Which file of a database is what: sorted by number, the files of one table linked in a ring. Lives in caller's
// memory.
#pragma once

#include <cstdint>
#include <span>

namespace dbperf::database_pool {

enum class FileKind : uint8_t { table, sequence, btree, index };

struct MappedFile {
    uint32_t file;     // number on disk
    uint32_t space;    // tablespace it lies in
    uint32_t table;    // OID of the table, its own for sequences: what is locked to use the file
    uint32_t relation; // its own OID
    uint32_t next;     // place of the next file of that table; ends where it began
    FileKind kind;
    bool unlogged;
    uint16_t reserved;
};

// Sorts the files and links those of one table.
void link_files(std::span<MappedFile> files);

// Null when the map does not have it.
const MappedFile *find_file(std::span<const MappedFile> files, uint32_t space, uint32_t file);

// Calls visit(const MappedFile &) for the indexes of the table that `file` is or belongs to.
template <typename Visit>
void visit_indexes(std::span<const MappedFile> files, const MappedFile &file, Visit visit) {
    for (const MappedFile *other = &files[file.next];; other = &files[other->next]) {
        if (other->kind == FileKind::btree || other->kind == FileKind::index)
            visit(*other);
        if (other == &file)
            return;
    }
}

} // namespace dbperf::database_pool
