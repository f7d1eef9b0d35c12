// Which fingerprint a skeleton stands for, across backends: who meets a statement that another one has met need not
// scan its text.
//
// And skeletons of texts that this backend has seen lately: of one that differs from them in a constant only what comes
// behind that is read.
//
// Locking: none. Lossy: a full bucket forgets. A slot is two words, each read and written whole; the first is the
// second and the key put together, so that what two writers leave of each other is nobody's.
#pragma once

#include "core/pg.h"

#include "statements/skeleton.h"

namespace dbperf::statements::known_shapes {

void install();
// Drawn when the server starts; what skeletons of all backends are made with.
const SkeletonKey &key();
// With this key, and the server's way to read backslashes. The comment is within this text.
Skeleton skeleton_of(std::string_view text);
// 0 when it is not known. Of this database only: how names are folded depends on its locale.
uint64 find(uint64 skeleton);
void add(uint64 skeleton, uint64 fingerprint);

} // namespace dbperf::statements::known_shapes
