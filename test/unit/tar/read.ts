// SPDX-License-Identifier: Apache-2.0
import { Readable } from 'node:stream'
import test from 'ava'
import { packTar, readTar, type TarHeader } from '../../../src/tar/index.js'
import { repairChecksums } from '../../fuzz/mutate.js'
import { directory, file, symlink } from '../../helpers/tar.js'

async function sample(): Promise<Buffer> {
  return await packTar([
    directory('a'),
    file('a/large', Buffer.alloc(100_000, 'x')),
    symlink('a/link', 'large'),
    file(`a/${'long-'.repeat(40)}`, 'long'),
    file('a/small', 'small'),
  ])
}

function inChunks(tar: Buffer, size: number): Readable {
  const chunks: Buffer[] = []
  for (let at = 0; at < tar.length; at += size) chunks.push(tar.subarray(at, at + size))
  return Readable.from(chunks)
}

async function names(source: Readable | Buffer): Promise<string[]> {
  const seen: string[] = []
  await readTar(source, (entry) => {
    seen.push(entry.name)
  })
  return seen
}

for (const size of [1, 511, 512, 513, 65_536]) {
  test(`a stream in chunks of ${size} bytes reads like the whole`, async (t) => {
    const tar = await sample()
    t.deepEqual(await names(inChunks(tar, size)), await names(tar))
  })
}

test('bodies are read on demand and skipped otherwise', async (t) => {
  let small = ''
  await readTar(inChunks(await sample(), 1000), async (entry, body) => {
    if (entry.name === 'a/small') small = (await body()).toString()
  })
  t.is(small, 'small')
})

test('a directory that claims a size has no body, and what follows it is read', async (t) => {
  const tar = await packTar([directory('a'), file('b', 'x')])
  tar.write('00000000001 ', 124, 'latin1')
  const bodies: string[] = []
  await readTar(repairChecksums(tar), async (_, body) => {
    bodies.push((await body()).toString())
  })
  t.deepEqual(bodies, ['', 'x'])
})

for (const [what, flag] of [
  ['a hard link', '1'],
  ['a symlink', '2'],
  ['a character device', '3'],
  ['a block device', '4'],
  ['a fifo', '6'],
] as const) {
  test(`${what} that claims a size has no body, and what follows it is read`, async (t) => {
    const tar = await packTar([file('a', ''), file('b', 'x')])
    tar.write('00000001000 ', 124, 'latin1')
    tar.write(flag, 156, 'latin1')
    tar.write('target', 157, 'latin1')
    const seen: string[] = []
    await readTar(repairChecksums(tar), async ({ name, size }, body) => {
      seen.push(`${name} ${size} ${await body()}`)
    })
    t.deepEqual(seen, ['a 0 ', 'b 1 x'])
  })
}

test('records for all members are left out, as engines leave them out', async (t) => {
  const [global, member] = [await packTar([file('p'.repeat(200), 'x')]), await packTar([file('a', 'x')])]
  global.write('g', 156, 'latin1')
  const tar = Buffer.concat([repairChecksums(global).subarray(0, 1024), member])
  t.deepEqual(await names(tar), ['a'])
})

test('a member whose size is no number is damage', async (t) => {
  const tar = await packTar([file('a', 'x'), file('b', 'y')])
  tar.writeUInt8(0xab, 124) // neither octal digits nor the mark of a binary number
  await t.throwsAsync(names(repairChecksums(tar)), { code: 'IMAGE_INVALID' })
})

test('stopping early destroys the source without reading it to the end', async (t) => {
  const source = inChunks(await sample(), 512)
  const seen: TarHeader[] = []
  await readTar(source, (entry) => {
    seen.push(entry)
    return 'stop'
  })
  t.is(seen.length, 1)
  t.true(source.destroyed)
  t.false(source.readableEnded)
})

test('an error of the visitor passes through', async (t) => {
  const error = new Error('mine')
  const source = inChunks(await sample(), 512)
  const thrown = await t.throwsAsync(
    readTar(source, () => {
      throw error
    }),
  )
  t.is(thrown, error)
  t.true(source.destroyed)
})

test('an error of the source passes through, also in the middle of a body', async (t) => {
  const tar = await sample()
  const error = new Error('cable')
  const source = Readable.from(
    (async function* () {
      yield tar.subarray(0, 5000)
      throw error
    })(),
  )
  t.is(await t.throwsAsync(readTar(source, (_, body) => body())), error)
})

test('a source that is closed early is a damaged archive', async (t) => {
  const source = new Readable({ read() {} })
  source.push((await sample()).subarray(0, 5000))
  const reading = readTar(source, (_, body) => body())
  setImmediate(() => source.destroy())
  await t.throwsAsync(reading, { code: 'IMAGE_INVALID' })
})

test('leading dots and slashes are not part of a name', async (t) => {
  const tar = await packTar([directory('./'), file('./a', ''), directory('./b/')])
  t.deepEqual(await names(tar), ['', 'a', 'b'])
})

const rejects = test.macro(async (t, damage: (tar: Buffer) => Buffer) => {
  await t.throwsAsync(
    readTar(damage(await sample()), (_, body) => body()),
    { code: 'IMAGE_INVALID' },
  )
})
test('no bytes at all are not an archive', rejects, () => Buffer.alloc(0))
test('text is not an archive', rejects, () => Buffer.from('<html>'.repeat(1000)))
test('a compressed layer is not an archive', rejects, () =>
  Buffer.concat([Buffer.from([0x1f, 0x8b, 8]), Buffer.alloc(600, 7)]),
)
test('a cut inside a header is noticed', rejects, (tar) => tar.subarray(0, 600))
test('a cut inside a body is noticed', rejects, (tar) => tar.subarray(0, 50_000))
test('a flipped bit in a header is noticed', rejects, (tar) => {
  const copy = Buffer.from(tar)
  copy.writeUInt8(copy.readUInt8(515) ^ 1, 515)
  return copy
})

test('a body above the limit is refused before it is read', async (t) => {
  await t.throwsAsync(
    readTar(await sample(), (_, body) => body(), { bodyBytes: 1000 }),
    { code: 'IMAGE_INVALID' },
  )
})

test('skipped bodies may be of any size', async (t) => {
  await t.notThrowsAsync(readTar(await sample(), () => {}, { bodyBytes: 1000 }))
})

test('more members than the limit are refused', async (t) => {
  await t.throwsAsync(
    readTar(await sample(), () => {}, { entries: 2 }),
    { code: 'IMAGE_INVALID' },
  )
})

test('an extended header that claims gigabytes is refused at once', async (t) => {
  const tar = await packTar([file('x'.repeat(200), '')])
  tar.write('77777777777 ', 124)
  fixChecksum(tar)
  await t.throwsAsync(
    readTar(tar, () => {}),
    { code: 'IMAGE_INVALID' },
  )
})

test('seeded random damage ends in a result or in IMAGE_INVALID, never otherwise', async (t) => {
  const tar = await sample()
  const random = randomFrom(20_240_501)
  for (let round = 0; round < 150; round += 1) {
    const copy = Buffer.from(tar.subarray(0, random(tar.length) + 1))
    for (let flips = random(8); flips > 0; flips -= 1) copy.writeUInt8(random(256), random(copy.length))
    if (round % 2 === 0 && copy.length >= 512) fixChecksum(copy)
    try {
      await readTar(copy, (_, body) => body(), { bodyBytes: 1 << 20 })
    } catch (error) {
      t.is((error as { code?: string }).code, 'IMAGE_INVALID', `round ${round}: ${error}`)
    }
  }
  t.pass()
})

function fixChecksum(tar: Buffer): void {
  tar.write('        ', 148)
  const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
}

function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state % below
  }
}

test('a time before 1970 in binary, as GNU tar writes it, is read', async (t) => {
  const tar = await packTar([file('a', '')])
  tar.fill(0xff, 136, 148)
  tar.writeInt32BE(-86_400, 144)
  seal(tar)
  const times: string[] = []
  await readTar(tar, ({ mtime }) => times.push(mtime.toISOString()))
  t.deepEqual(times, ['1969-12-31T00:00:00.000Z'])
})

/** Writes the checksum of the first header anew. */
function seal(tar: Buffer): void {
  tar.fill(' ', 148, 156)
  const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
}
