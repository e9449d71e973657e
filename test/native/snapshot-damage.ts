// SPDX-License-Identifier: Apache-2.0
// A damaged snapshot never changes what a program does. Damage is seeded: a failure can be repeated.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { random } from '../helpers/sections.js'
import { findFreezable, SnapshotBench } from '../helpers/snapshot.js'
import {
  AT,
  FILE_SIZE_AT,
  type List,
  listAt,
  metaBytes,
  placesOf,
  regionsOf,
  sealSnapshot,
} from '../helpers/snapshot-file.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { portion } from '../helpers/tier.js'

const SEED = 20261128
const FLIPS = portion(6000)
const CUTS = portion(2000)
const FORGED = portion(2000)
const AT_ONCE = 20
const PROGRAM = 'import json, threading; print(json.dumps([1]), threading.main_thread().name)'
const PAGE = 4096n
const LISTS: readonly List[] = [
  'regions',
  'files',
  'stamps',
  'symbols',
  'vdso',
  'strings',
  'warm',
  'ahead',
  'folders',
]

type Damaged = readonly [what: string, file: Buffer]

/** One thing that cannot be, with checksums that are right. */
const LIES: readonly ((file: Buffer, number: () => number) => string)[] = [
  (file, number) => {
    const regions = regionsOf(file)
    const at = 1 + Math.floor(number() * (regions.length - 1))
    const [one, next] = [regions[at - 1], regions[at]]
    if (!one || !next) throw new Error('there is no such region')
    file.writeBigUInt64LE(next.address - one.address + PAGE, one.at + 8)
    return `region ${at - 1} reaches into the next`
  },
  (file, number) => {
    const regions = regionsOf(file)
    const one = regions[Math.floor(number() * regions.length)]
    if (!one) throw new Error('there is no such region')
    const places = [
      0n,
      PAGE,
      1n << 44n,
      (1n << 47n) - PAGE,
      1n << 47n,
      1n << 63n,
      (1n << 64n) - PAGE,
      0x1001n,
    ]
    const place = places[Math.floor(number() * places.length)] ?? 0n
    file.writeBigUInt64LE(place, one.at)
    return `a region at ${place.toString(16)}`
  },
  (file, number) => {
    const regions = regionsOf(file)
    const one = regions[Math.floor(number() * regions.length)]
    if (!one) throw new Error('there is no such region')
    const sizes = [0n, 1n, 4095n, 1n << 47n, (1n << 64n) - PAGE]
    const bytes = sizes[Math.floor(number() * sizes.length)] ?? 0n
    file.writeBigUInt64LE(bytes, one.at + 8)
    return `a region of ${bytes} bytes`
  },
  (file) => {
    const one = regionsOf(file).find(({ kind }) => kind === 2)
    if (!one) throw new Error('there are no data')
    file.writeBigUInt64LE(BigInt(file.length) - (BigInt(file.length) % PAGE) + PAGE, one.at + 16)
    return 'data behind the end'
  },
  (file) => {
    const one = regionsOf(file).find(({ kind }) => kind === 2)
    if (!one) throw new Error('there are no data')
    file.writeBigUInt64LE(0n, one.at + 16)
    return 'data in the meta part'
  },
  (file) => {
    const one = regionsOf(file).find(({ protection }) => protection === 5)
    if (!one) throw new Error('there is no code')
    file.writeUInt8(7, one.at + 25)
    return 'writable code'
  },
  (file) => {
    const one = regionsOf(file).find(({ kind }) => kind === 3)
    if (!one) throw new Error('there are no files')
    file.writeUInt16LE(600, one.at + 26)
    return 'a file that there is not'
  },
  (file, number) => {
    const list = LISTS[Math.floor(number() * LISTS.length)] ?? 'regions'
    file.writeUInt32LE(metaBytes(file) - 8, listAt(list))
    return `${list} at the end of the meta part`
  },
  (file, number) => {
    const list = LISTS[Math.floor(number() * LISTS.length)] ?? 'regions'
    file.writeUInt32LE(0xffffffff, listAt(list) + 4)
    return `too many ${list}`
  },
  (file, number) => {
    const list = LISTS[Math.floor(number() * LISTS.length)] ?? 'regions'
    file.writeUInt32LE(4, listAt(list))
    return `${list} in the header`
  },
  (file) => {
    const places = placesOf(file, 'strings')
    file.writeUInt8(65, places.at(-1) ?? 0)
    return 'a last text without an end'
  },
  (file) => {
    const [first = 0] = placesOf(file, 'files')
    file.writeUInt32LE(0x7fffffff, first)
    return 'a path outside'
  },
  (file) => {
    const [first = 0] = placesOf(file, 'symbols')
    file.writeUInt32LE(8190, first + 4)
    return 'a function at the end of the vdso'
  },
  (file, number) => {
    const fields = [AT.rip, AT.rsp, AT.fsBase, AT.tid, AT.firstAction + 8]
    const at = fields[Math.floor(number() * fields.length)] ?? AT.rip
    const places = [8n, 1n << 44n, 1n << 63n, (1n << 64n) - 8n]
    file.writeBigUInt64LE(places[Math.floor(number() * places.length)] ?? 8n, at)
    return `an address at ${at} that is not in the snapshot`
  },
  (file, number) => {
    const [first] = placesOf(file, 'warm')
    if (first === undefined) throw new Error('there are no warm pages')
    const places = [0n, PAGE, (1n << 44n) + PAGE, (1n << 47n) - PAGE, 1n << 63n, 0x1001n]
    const place = places[Math.floor(number() * places.length)] ?? 0n
    file.writeBigUInt64LE(place, first)
    return `warm pages at ${place.toString(16)}`
  },
  (file) => {
    const last = placesOf(file, 'warm').at(-1) ?? 0
    file.writeBigUInt64LE(1n << 40n, last + 8)
    return 'more warm pages than there are data'
  },
  (file, number) => {
    const places = placesOf(file, 'ahead')
    const at = places[Math.floor(number() * places.length)]
    if (at === undefined) throw new Error('no pages are read ahead')
    const lies = [
      [0, 1],
      [0xffffffff, 1],
      [file.readUInt32LE(at), 0],
      [file.readUInt32LE(at), 0xffffffff],
    ] as const
    const [first, count] = lies[Math.floor(number() * lies.length)] ?? lies[0]
    file.writeUInt32LE(first, at)
    file.writeUInt32LE(count, at + 4)
    return `${count} pages from page ${first} on are read ahead`
  },
  (file) => {
    file.writeUInt32LE(0xffffffff, AT.mxcsr)
    return 'bits of MXCSR that would be an exception'
  },
  (file) => {
    file.writeBigUInt64LE(BigInt(file.length) + PAGE, FILE_SIZE_AT)
    return 'another size of the file'
  },
  (file) => {
    file.writeUInt32LE(0xffffff00, 12)
    return 'a meta part larger than the file'
  },
  (file) => {
    const regions = regionsOf(file)
    const one = regions[0]
    if (!one) throw new Error('there are no regions')
    file.writeBigUInt64LE(file.readBigUInt64LE(AT.vdso), one.at)
    return 'a region where the vdso goes'
  },
]

/** One after the other: all of them together would need tens of gigabytes. */
function* damage(whole: Buffer): Generator<Damaged, void> {
  const numbers = random(SEED)
  const number = () => numbers.next().value
  const end = metaBytes(whole)
  for (let i = 0; i < FLIPS; i++) {
    // Bits of the data have a checksum that a start does not look at.
    const offset = Math.floor(number() * end)
    const copy = Buffer.from(whole)
    copy[offset] = (copy[offset] ?? 0) ^ (1 << Math.floor(number() * 8))
    yield [`flip at ${offset}`, copy]
  }
  for (let i = 0; i < CUTS; i++) {
    const length = Math.floor(number() * whole.length)
    yield [`cut to ${length}`, whole.subarray(0, length)]
  }
  for (let i = 0; i < Math.max(FORGED, LIES.length); i++) {
    const copy = Buffer.from(whole)
    const what = LIES[i % LIES.length]?.(copy, number) ?? ''
    yield [what, sealSnapshot(copy)]
  }
}

const [python] = findFreezable()
if (!python) test.skip('no CPython on this machine that can be frozen: no damage is tested', () => undefined)
else
  testInTurn(`neither flipped bits nor cuts nor lies change a program (${python.version})`, async (t) => {
    const bench = new SnapshotBench(t, python)
    await bench.freeze()
    const whole = readFileSync(bench.snapshot)
    const args = ['-c', PROGRAM]
    const { snapshot: _, ...expected } = await bench.startPlain(args)
    t.is((await bench.start(args)).snapshot, 'thawed')
    const all = damage(whole)
    const startOne = async (path: string) => {
      for (const [what, file] of all) {
        writeFileSync(path, file)
        const { snapshot, ...ended } = await bench.start(args, { env: { PYCDS_SNAPSHOT: path } })
        t.deepEqual(ended, expected, what)
        t.not(snapshot, 'thawed', what)
      }
    }
    const paths = Array.from({ length: AT_ONCE }, (_, i) => join(bench.directory, `damaged-${i}.snap`))
    await Promise.all(paths.map(startOne))
  })
