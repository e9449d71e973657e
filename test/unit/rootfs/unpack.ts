// SPDX-License-Identifier: Apache-2.0
// Layers as tools write them, and layers made to harm. Nothing may ever appear beside the root.
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import { pack } from 'tar-stream'
import { unpack } from '../../../src/rootfs/index.js'
import { packTar, type TarEntry } from '../../../src/tar/index.js'
import { directory, file, MOMENT, symlink } from '../../helpers/tar.js'
import { temporary } from '../../helpers/temporary.js'

type Member = { name: string; type?: string; linkname?: string; body?: string; pax?: Record<string, string> }

/** A tar with whatever names and kinds; the project's own writer refuses most of them. */
async function rawTar(members: readonly Member[]): Promise<Buffer> {
  const stream = pack()
  for (const { body = '', ...header } of members) {
    stream.entry({ mtime: MOMENT, ...header } as Parameters<typeof stream.entry>[0], body)
  }
  stream.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

async function unpackInto(t: ExecutionContext, ...tars: Buffer[]) {
  const parent = temporary(t)
  const root = join(parent, 'root')
  mkdirSync(root)
  writeFileSync(join(parent, 'outside'), 'untouched')
  const layers = tars.map((tar) => ({ subject: 'test layer', open: async () => Readable.from([tar]) }))
  const options = { signal: new AbortController().signal, keepsOwners: true }
  const result = unpack(layers, root, options)
  const done = await result.then(
    (unpacked) => ({ tree: unpacked.tree, error: undefined }),
    (error: { code?: string }) => ({ tree: undefined, error }),
  )
  t.deepEqual(readdirSync(parent).sort(), ['outside', 'root'])
  t.is(readFileSync(join(parent, 'outside'), 'utf8'), 'untouched')
  return { root, ...done }
}

async function unpackEntries(t: ExecutionContext, ...layers: TarEntry[][]) {
  const made = await unpackInto(t, ...(await Promise.all(layers.map((entries) => packTar(entries)))))
  t.is(made.error, undefined)
  return made
}

test('files, directories, symlinks and times arrive', async (t) => {
  const { root, tree } = await unpackEntries(t, [
    directory('d', { mode: 0o750 }),
    file('d/f', 'text', { mode: 0o640 }),
    symlink('l', 'd/f'),
  ])
  t.is(readFileSync(join(root, 'd/f'), 'utf8'), 'text')
  t.is(readlinkSync(join(root, 'l')), 'd/f')
  t.is(statSync(join(root, 'd')).mtime.getTime(), MOMENT.getTime())
  t.is(tree?.resolve('/l', true)?.path, 'd/f')
  t.is(tree?.resolve('/d', true)?.node.mode, 0o750)
})

test('a whiteout hides what an earlier layer brought, and only that', async (t) => {
  const { root } = await unpackEntries(
    t,
    [directory('d'), file('d/old', ''), file('gone', ''), directory('e'), file('e/x', '')],
    [
      file('d/new', ''),
      file('d/.wh.old', ''),
      file('.wh.gone', ''),
      file('.wh.e', ''),
      file('.wh.never', ''),
    ],
  )
  t.deepEqual(readdirSync(root), ['d'])
  t.deepEqual(readdirSync(join(root, 'd')), ['new'])
})

test('a whiteout of a file that was renamed by a hard link leaves the new name', async (t) => {
  const link: TarEntry = { ...file('b', ''), type: 'link', linkname: 'a' }
  const { body: _, ...withoutBody } = link
  const { root } = await unpackEntries(t, [file('a', 'text')], [withoutBody, file('.wh.a', '')])
  t.deepEqual(readdirSync(root), ['b'])
  t.is(readFileSync(join(root, 'b'), 'utf8'), 'text')
})

for (const [order, members] of [
  ['first', ['d/.wh..wh..opq', 'd/new', 'd/sub/new']],
  ['last', ['d/new', 'd/sub/new', 'd/.wh..wh..opq']],
] as const) {
  test(`an opaque directory keeps what its own layer brought, the mark coming ${order}`, async (t) => {
    const { root } = await unpackEntries(
      t,
      [directory('d'), file('d/old', ''), directory('d/sub'), file('d/sub/old', ''), file('beside', '')],
      members.map((name) => file(name, '')),
    )
    t.deepEqual(readdirSync(root).sort(), ['beside', 'd'])
    t.deepEqual(readdirSync(join(root, 'd')).sort(), ['new', 'sub'])
    t.deepEqual(readdirSync(join(root, 'd/sub')), ['new'])
  })
}

test('a member below a symlink goes where the link leads inside the root', async (t) => {
  const { root } = await unpackEntries(
    t,
    [
      directory('usr'),
      directory('usr/lib'),
      symlink('lib', 'usr/lib'),
      symlink('abs', '/usr'),
      symlink('up', '../../..'),
    ],
    [file('lib/a', ''), file('abs/b', ''), file('up/c', '')],
  )
  t.deepEqual(readdirSync(join(root, 'usr/lib')), ['a'])
  t.true(existsSync(join(root, 'usr/b')))
  t.true(existsSync(join(root, 'c')))
  t.true(lstatSync(join(root, 'lib')).isSymbolicLink())
})

test('a file takes the place of a symlink instead of being written through it', async (t) => {
  const { root } = await unpackEntries(t, [symlink('l', '../outside')], [file('l', 'mine')])
  t.true(lstatSync(join(root, 'l')).isFile())
})

test('a directory takes the place of a symlink, a file that of a directory', async (t) => {
  const { root } = await unpackEntries(
    t,
    [symlink('l', '..'), directory('d'), file('d/x', '')],
    [directory('l'), file('l/x', ''), file('d', 'file')],
  )
  t.deepEqual(readdirSync(join(root, 'l')), ['x'])
  t.is(readFileSync(join(root, 'd'), 'utf8'), 'file')
})

test('absolute names stay inside', async (t) => {
  const { root, error } = await unpackInto(
    t,
    await rawTar([{ name: '/etc/x', body: 'x' }, { name: 'a/../b' }]),
  )
  t.is(error, undefined)
  t.deepEqual(readdirSync(root).sort(), ['b', 'etc'])
})

const refuses = test.macro(async (t: ExecutionContext, members: readonly Member[]) => {
  const { error } = await unpackInto(t, await rawTar(members))
  t.is(error?.code, 'IMAGE_INVALID')
})

test('a name that climbs out is refused', refuses, [{ name: '../outside', body: 'x' }])
test('also in its middle', refuses, [{ name: 'a/../../outside', body: 'x' }])
test('also below a symlink', refuses, [
  { name: 'l', type: 'symlink', linkname: '..' },
  { name: 'l/../../outside', body: 'x' },
])
test('a hard link to a file outside is refused', refuses, [
  { name: 'h', type: 'link', linkname: '../outside' },
])
test('a hard link to nothing is refused', refuses, [{ name: 'h', type: 'link', linkname: '/outside' }])
test('a hard link to a directory is refused', refuses, [
  { name: 'd', type: 'directory' },
  { name: 'h', type: 'link', linkname: 'd' },
])
test('a member below a file is refused', refuses, [
  { name: 'f', body: 'x' },
  { name: 'f/x', body: 'x' },
])
test('a member below a symlink to nothing is refused', refuses, [
  { name: 'l', type: 'symlink', linkname: '/nowhere' },
  { name: 'l/x', body: 'x' },
])
test('symlinks in a circle are refused', refuses, [
  { name: 'a', type: 'symlink', linkname: 'b' },
  { name: 'b', type: 'symlink', linkname: 'a' },
  { name: 'a/x', body: 'x' },
])
test('a whiteout of the directory itself is refused', refuses, [{ name: 'd/.wh..', body: '' }])
test('a name longer than the system allows is refused', refuses, [{ name: 'n'.repeat(256), body: '' }])
test('a path longer than the system allows is refused', refuses, [{ name: 'n/'.repeat(3000), body: '' }])
test('an owner that is no number is refused', refuses, [{ name: 'x', pax: { uid: '9999999999' } }])

test('a hard link through a symlink that points outside is a file inside, or refused', async (t) => {
  const { error } = await unpackInto(
    t,
    await rawTar([
      { name: 'l', type: 'symlink', linkname: '../outside' },
      { name: 'h', type: 'link', linkname: 'l' },
      { name: 'h', body: 'overwritten' },
    ]),
  )
  t.is(error, undefined)
})

test('devices and fifos are left out', async (t) => {
  const { root, error } = await unpackInto(
    t,
    await rawTar([
      { name: 'dev/sda', type: 'block-device' },
      { name: 'dev/mem', type: 'character-device' },
      { name: 'pipe', type: 'fifo' },
      { name: 'f', body: 'x' },
    ]),
  )
  t.is(error, undefined)
  t.deepEqual(readdirSync(root).sort(), ['dev', 'f'])
  t.deepEqual(readdirSync(join(root, 'dev')), [])
})

test('very long names arrive, in the form of pax and of GNU', async (t) => {
  const name = `${'directory-'.repeat(20)}/${'name-'.repeat(40)}`
  const parent = temporary(t)
  mkdirSync(join(parent, name.split('/')[0] ?? ''))
  writeFileSync(join(parent, name), 'x')
  for (const format of ['pax', 'gnu']) {
    const tar = execFileSync('tar', ['-C', parent, `--format=${format}`, '-cf', '-', '.'])
    const { root, error } = await unpackInto(t, tar)
    t.is(error, undefined)
    t.is(readFileSync(join(root, name), 'utf8'), 'x')
  }
})

test('a sparse file of pax arrives with its holes', async (t) => {
  const parent = temporary(t)
  execFileSync('truncate', ['-s', '64M', join(parent, 'sparse')])
  for (const at of ['3', '40']) {
    execFileSync('dd', [
      'if=/dev/urandom',
      `of=${join(parent, 'sparse')}`,
      'bs=1M',
      'count=1',
      `seek=${at}`,
      'conv=notrunc',
      'status=none',
    ])
  }
  const tar = execFileSync('tar', ['-C', parent, '--format=pax', '-S', '-cf', '-', 'sparse'], {
    maxBuffer: 2 ** 27,
  })
  t.true(tar.length < 2 ** 23)
  const { root, error } = await unpackInto(t, tar)
  t.is(error, undefined)
  t.true(readFileSync(join(root, 'sparse')).equals(readFileSync(join(parent, 'sparse'))))
  t.true(statSync(join(root, 'sparse')).blocks * 512 < 2 ** 23)
})

test('runs of zeros become holes', async (t) => {
  const body = Buffer.concat([Buffer.from('start'), Buffer.alloc(4 << 20), Buffer.from('end')])
  const { root } = await unpackEntries(t, [file('f', body)])
  t.true(readFileSync(join(root, 'f')).equals(body))
  t.true(statSync(join(root, 'f')).blocks * 512 < 2 ** 20)
})

test('a layer without a byte changes nothing', async (t) => {
  const { root, error } = await unpackInto(
    t,
    await packTar([file('a', 'x')]),
    Buffer.alloc(0),
    Buffer.alloc(1024),
  )
  t.is(error, undefined)
  t.deepEqual(readdirSync(root), ['a'])
})

test('whatever is wrong with the bytes of a layer is said of that layer', async (t) => {
  const tar = await packTar([file('a', 'x'.repeat(512)), file('b', 'x')])
  const damages = [
    tar.subarray(0, 700),
    Buffer.alloc(512, 'x'),
    Buffer.concat([tar.subarray(0, 1024), Buffer.alloc(512, 'x')]),
  ]
  for (const bytes of damages) {
    const { error } = await unpackInto(t, bytes)
    t.is(error?.code, 'IMAGE_INVALID')
    t.true(
      (error as Error | undefined)?.message.startsWith('test layer: '),
      (error as Error | undefined)?.message,
    )
  }
})

test('a tar that is cut off is refused', async (t) => {
  const tar = await packTar([file('a', Buffer.alloc(5000, 'x'))])
  const { error } = await unpackInto(t, tar.subarray(0, 3000))
  t.is(error?.code, 'IMAGE_INVALID')
})

for (const [form, options, reason] of [
  ["GNU tar's own form", ['--format=gnu'], /a kind that is not read here, as sparse files/],
  ['version 0.0', ['--format=pax', '--sparse-version=0.0'], /a sparse file of version 0\.0/],
  ['version 0.1', ['--format=pax', '--sparse-version=0.1'], /a sparse file of version 0\.1/],
] as const) {
  test(`a sparse file in ${form} is named, and not called damage`, async (t) => {
    const parent = temporary(t)
    execFileSync('truncate', ['-s', '1M', join(parent, 'holes')])
    appendFileSync(join(parent, 'holes'), 'end')
    const tar = execFileSync('tar', ['-C', parent, ...options, '-S', '-cf', '-', 'holes'])
    const { error } = (await unpackInto(t, tar)) as { error?: { message?: string; hint?: string } }
    t.regex(error?.message ?? '', /^test layer: member "(?:GNUSparseFile\.\d+\/)?holes": /)
    t.regex(error?.message ?? '', reason)
    t.notRegex(error?.hint ?? '', /damaged|harm/)
  })
}
