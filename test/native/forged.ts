// SPDX-License-Identifier: Apache-2.0
// An archive that says what no archiver writes, under checksums that are right: the reader refuses it, and the
// module concerned is imported from its source.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { archiver, findPythons, type Python } from '../helpers/interpreters.js'
import { Bench } from '../helpers/python.js'
import { recordsOf, seal, type UnitRecord } from '../helpers/seal.js'

/** Operations of native/format/stream.h. */
const TEXT = 2
const BYTES = 3
const INT = 4
const NUMBER = 5
const RAW = 11
const ASCII = 8
const ALIGN = 16
/** Of struct pycds_unit, and of struct pycds_record. */
const OBJECTS_AT = 28
const BLOCK_AT = 16
const SHARED_BYTES_AT = 40
/** Of struct pycds_header. */
const FILE_BYTES_AT = 16

const pythons = findPythons()
if (pythons.length === 0)
  test.skip('no supported CPython on this machine: forged archives are not tested', () => undefined)

const minorOf = ({ version }: Python) => Number(version.split('.')[1])

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
}

/** An operation's first bytes. */
function op(kind: number, count: number): number[] {
  return count < 15 ? [kind | (count << 4)] : [kind | 0xf0, ...varint(count - 15)]
}

const zeros = (count: number) => Array<number>(count).fill(0)
const text = (width: number, count: number, flags = 0) => [
  ...[...op(TEXT, count), width | flags],
  ...zeros(width * count),
]
/** An int of some digits that says of itself that it has others; since 3.12 three bits below tell the sign. */
const int = (digits: number, said: number, python: Python, sign = 0) => [
  ...[...op(INT, digits), ...varint(2 * (minorOf(python) >= 12 ? (said << 3) | sign : said))],
  ...zeros(4 * digits),
]
/** Bytes that nothing uses, so that two operations together are as long as a constant can be. */
const padding = (count: number) => [...op(RAW, count), ...zeros(count)]

/** What stands in the place of a constant: operations, the first of which is concerned. */
const OPERATIONS: Record<string, (python: Python) => number[][]> = {
  'characters of no width': () => [text(0, 20), padding(4)],
  'characters of three bytes': () => [text(3, 4)],
  'characters of five bytes': () => [text(5, 4)],
  'characters of six bytes': () => [text(6, 4)],
  'characters of seven bytes': () => [text(7, 4)],
  'ASCII characters of two bytes': () => [text(2, 4, ASCII)],
  'ASCII characters of four bytes': () => [text(4, 4, ASCII)],
  'a number of nothing': () => [op(NUMBER, 0), padding(12)],
  'a number of three': () => [[...op(NUMBER, 3), ...zeros(24)]],
  'a number of fifteen': () => [[...op(NUMBER, 15), ...zeros(120)]],
  'an int with more digits than it has': (python) => [int(1, 1000, python)],
  'an int with fewer digits than it has': (python) => [int(2, 1, python)],
}

/** A program with a constant that takes as many bytes in a stream as what is put there instead. */
async function train(t: ExecutionContext, python: Python, size: number) {
  const bench = new Bench(t, python.path)
  const head = size - 1 < 15 ? 1 : 2
  const constant = 'forged'.padEnd(size - head, '.')
  bench.file('program/app.py', `X = b"${constant}"\n`)
  const script = bench.file('program/main.py', 'import app\nprint(app.X, len(app.X), app.X == app.X * 2)\n')
  await bench.train(script)
  const described = Buffer.from([...op(BYTES, constant.length), ...Buffer.from(constant)])
  return { bench, script, described, whole: readFileSync(bench.archive) }
}

/** The record of the unit that holds a place of the file. */
function unitAt(archive: Buffer, offset: number): UnitRecord {
  const record = recordsOf(archive).find(
    ({ block, sharedBytes, unitBytes }) => offset >= block && offset < block + sharedBytes + unitBytes,
  )
  if (!record) throw new Error(`nothing lies at ${offset}`)
  return record
}

async function refuses(t: ExecutionContext, bench: Bench, script: string, forged: Buffer, what: string) {
  const error = t.throws<Error & { code?: string }>(
    () => archiver.describe('forged', forged),
    undefined,
    what,
  )
  t.is(error?.code, 'ARCHIVE_INVALID', what)
  rmSync(bench.archive)
  writeFileSync(bench.archive, forged)
  const stock = await bench.runWithArchive(script, { PYCDS: 'off' })
  t.is(stock.code, 0, stock.stderr)
  t.deepEqual(await bench.runWithArchive(script, { PYCDS: 'require' }), stock, what)
  const logged = await bench.runWithArchive(script, { PYCDS_LOG: '1', PYCDS_TAKEOVER: 'off' })
  t.false(logged.stderr.includes('served app'), what)
}

for (const python of pythons) {
  test(`${python.version}: objects that cannot be are refused`, async (t) => {
    t.timeout(240_000)
    for (const [what, make] of Object.entries(OPERATIONS)) {
      const operations = make(python)
      const bytes = Buffer.from(operations.flat())
      const { bench, script, described, whole } = await train(t, python, bytes.length)
      t.is(described.length, bytes.length)
      const at = whole.indexOf(described)
      t.true(at > 0, what)
      const forged = Buffer.from(whole)
      bytes.copy(forged, at)
      const { block, sharedBytes } = unitAt(whole, at)
      const objects = block + sharedBytes + OBJECTS_AT
      forged.writeUInt32LE(whole.readUInt32LE(objects) + operations.length - 1, objects)
      await refuses(t, bench, script, seal(forged), what)
    }
  })
}

const [first] = pythons
if (first) {
  test('what is sealed here is what the archiver seals', async (t) => {
    const { whole } = await train(t, first, 10)
    t.deepEqual(seal(Buffer.from(whole)), whole)
  })

  test('a unit header that is not aligned in the file is refused', async (t) => {
    const { bench, script, described, whole } = await train(t, first, 10)
    const unit = unitAt(whole, whole.indexOf(described))
    t.is((unit.block + unit.sharedBytes) % ALIGN, 0)
    const block = whole.subarray(unit.block, unit.block + unit.sharedBytes + unit.unitBytes)
    const aligned = Math.ceil(whole.length / ALIGN) * ALIGN
    // The whole block, at the end of the file, with nothing else wrong: `shared` zeros more in its shared part.
    const moved = (by: number, shared: number) => {
      const forged = Buffer.concat([Buffer.alloc(aligned + by + shared), block])
      whole.copy(forged)
      forged.writeBigUInt64LE(BigInt(forged.length), FILE_BYTES_AT)
      forged.writeBigUInt64LE(BigInt(aligned + by), unit.at + BLOCK_AT)
      forged.writeUInt32LE(unit.sharedBytes + shared, unit.at + SHARED_BYTES_AT)
      return seal(forged)
    }
    t.is(unit.sharedBytes, 0)
    t.notThrows(() => archiver.describe('moved', moved(0, 0)))
    for (const by of [1, 4, 8]) {
      await refuses(t, bench, script, moved(by, 0), `a block moved by ${by}`)
      await refuses(t, bench, script, moved(0, by), `a unit moved by ${by}`)
    }
  })
}
