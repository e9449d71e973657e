// SPDX-License-Identifier: Apache-2.0
// Deterministic writing and careful reading of tar archives.
export { DEFAULT_LIMITS, type TarLimits } from './decode.js'
export type { TarEntry, TarHeader } from './entry.js'
export { locateMembers, type TarMember } from './members.js'
export { packTar } from './pack.js'
export { readTar, type TarVisitor } from './read.js'
export { type Revision, reviseTar } from './revise.js'
export { type BodySink, type MemberVisitor, scanTar } from './scan.js'
export { unreadable, whyUnreadable } from './unreadable.js'
export { membersOf } from './walk.js'
export { type StreamedMember, writeTar } from './write.js'
