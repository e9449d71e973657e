// SPDX-License-Identifier: Apache-2.0
// Where the parts of an archive lie, for tests that damage them, and reproducible numbers.

const HEADER_BYTES = 128
const SECTION_BYTES = 32
const SECTION_COUNT_AT = 44

/** A section by its kind (enum pycds_section_kind). */
export function sectionOf(archive: Buffer, kind: number): { offset: number; bytes: number } | undefined {
  const count = archive.readUInt32LE(SECTION_COUNT_AT)
  for (let at = HEADER_BYTES; at < HEADER_BYTES + count * SECTION_BYTES; at += SECTION_BYTES) {
    if (archive.readUInt32LE(at) !== kind) continue
    return {
      offset: Number(archive.readBigUInt64LE(at + 8)),
      bytes: Number(archive.readBigUInt64LE(at + 16)),
    }
  }
  return undefined
}

/** Numbers in [0, 1) from a linear congruential generator (constants of Numerical Recipes). */
export function* random(seed: number): Generator<number, never, void> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    yield state / 2 ** 32
  }
}
