// SPDX-License-Identifier: Apache-2.0
// A small mutator: from a seed number and real inputs to damaged ones, the same each time.

/** A generator of whole numbers below a bound; xorshift, so that a seed can be replayed. */
export function randomFrom(seed: number): (below: number) => number {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1
  return (below) => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return below <= 0 ? 0 : state % below
  }
}

/** What breaks readers: lengths, ends, names that climb, numbers at their limits. */
const TOKENS = [
  '../',
  '/',
  '\0',
  '..',
  '-1',
  '99999999999',
  '\x80\xff',
  '{',
  ']',
  'null',
  'sha256:',
  '.wh.',
  '.wh..wh..opq',
].map((text) => Buffer.from(text, 'latin1'))

/** Damages some bytes: flips, cuts, copies, swaps and dictionary words, up to eight at a time. */
export function mutate(seed: Buffer, random: (below: number) => number): Buffer {
  let bytes = Buffer.from(seed)
  for (let count = 1 + random(8); count > 0; count -= 1) {
    const at = random(bytes.length)
    const length = 1 + random(Math.min(600, bytes.length - at))
    switch (random(7)) {
      case 0:
        if (bytes.length > 0) bytes.writeUInt8(random(256), at)
        break
      case 1:
        if (bytes.length > 0) bytes.writeUInt8((bytes[at] ?? 0) ^ (1 << random(8)), at)
        break
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
        break
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)])
        break
      case 4:
        bytes = bytes.subarray(0, at)
        break
      case 5:
        ;(TOKENS[random(TOKENS.length)] ?? Buffer.alloc(0)).copy(bytes, at)
        break
      default:
        bytes.copy(bytes, random(bytes.length), at, at + length)
    }
  }
  return bytes
}

/** Gives the headers of a tar their right checksums again, so that damage gets past the first check. */
export function repairChecksums(tar: Buffer): Buffer {
  for (let at = 0; at + 512 <= tar.length; at += 512) {
    if (tar.toString('latin1', at + 257, at + 262) !== 'ustar') continue
    tar.fill(0x20, at + 148, at + 156)
    const sum = tar.subarray(at, at + 512).reduce((total, byte) => total + byte, 0)
    tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1')
  }
  return tar
}
