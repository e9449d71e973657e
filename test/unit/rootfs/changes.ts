// SPDX-License-Identifier: Apache-2.0
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import {
  additionsOf,
  findDifferences,
  nextMoment,
  putOnTop,
  removeAdditions,
  revertAdditions,
  unpack,
} from '../../../src/rootfs/index.js'
import { packTar, type TarEntry } from '../../../src/tar/index.js'
import { directory, file, MOMENT, symlink } from '../../helpers/tar.js'
import { temporary } from '../../helpers/temporary.js'

const signal = new AbortController().signal

async function layer(...entries: TarEntry[]) {
  const tar = await packTar(entries)
  return { subject: 'test layer', open: async () => Readable.from([tar]) }
}

async function sample(t: ExecutionContext) {
  const at = temporary(t)
  const root = join(at, 'root')
  mkdirSync(root)
  const base = await layer(directory('d'), file('d/f', 'text'), file('g', 'text'), symlink('l', 'd'))
  const unpacked = await unpack([base], root, { signal, keepsOwners: true })
  const since = await nextMoment(join(at, 'clock'))
  const differences = async (tree = unpacked.tree) => await findDifferences(root, tree.root, since)
  const image = { directory: root, ownersKept: unpacked.ownersKept }
  return { root, at, unpacked, image, differences }
}

test('nothing has changed', async (t) => {
  const { differences, at } = await sample(t)
  t.deepEqual(await differences(), [])
  t.deepEqual(readdirSync(at), ['root'])
})

test('additions are found and taken back, times of directories included', async (t) => {
  const { root, image, differences } = await sample(t)
  mkdirSync(join(root, 'd/new'))
  writeFileSync(join(root, 'd/new/x'), '')
  symlinkSync('/', join(root, 'd/link'))
  const found = await differences()
  t.deepEqual(
    found.map(({ path, kind }) => `${kind} ${path}`),
    ['modified d', 'added d/link', 'added d/new', 'added d/new/x'],
  )
  t.true(revertAdditions(image, found))
  t.deepEqual(readdirSync(join(root, 'd')), ['f'])
  t.deepEqual(statSync(join(root, 'd')).mtime, MOMENT)
})

test('another mode of a directory is taken back', async (t) => {
  const { root, image, differences } = await sample(t)
  chmodSync(join(root, 'd'), 0o711)
  t.true(revertAdditions(image, await differences()))
  t.is(statSync(join(root, 'd')).mode & 0o777, 0o755)
})

for (const [what, kind, change] of [
  ['more content', 'modified d/f', (root: string) => appendFileSync(join(root, 'd/f'), 'x')],
  ['another mode', 'modified d/f', (root: string) => chmodSync(join(root, 'd/f'), 0o600)],
  ['a file that is gone', 'deleted g', (root: string) => rmSync(join(root, 'g'))],
  [
    'a directory in place of a symlink',
    'modified l',
    (root: string) => {
      rmSync(join(root, 'l'))
      mkdirSync(join(root, 'l'))
    },
  ],
  [
    'the same size and time',
    'modified g',
    (root: string) => {
      const { mtime } = statSync(join(root, 'g'))
      writeFileSync(join(root, 'g'), 'TEXT')
      utimesSync(join(root, 'g'), mtime, mtime)
    },
  ],
] as const) {
  test(`${what}: it cannot be taken back, and nothing is touched`, async (t) => {
    const { root, image, differences } = await sample(t)
    change(root)
    writeFileSync(join(root, 'added'), '')
    const found = await differences()
    t.true(found.some((one) => `${one.kind} ${one.path}` === kind))
    t.false(revertAdditions(image, found))
    t.true(existsSync(join(root, 'added')))
  })
}

test('a directory that is gone counts with all that was in it', async (t) => {
  const { root, differences } = await sample(t)
  rmSync(join(root, 'd'), { recursive: true })
  const gone = (await differences()).filter(({ kind }) => kind === 'deleted')
  t.deepEqual(
    gone.map(({ path }) => path),
    ['d', 'd/f'],
  )
})

test('a layer that only adds files is put on top, and taken off again', async (t) => {
  const { root, at, unpacked, image, differences } = await sample(t)
  const top = await layer(directory('d'), file('d/new', 'x'), directory('opt'), file('opt/y', 'y'))
  const additions = await additionsOf(top, unpacked.tree)
  if (additions === undefined) return t.fail()
  const both = await putOnTop(top, root, { ...unpacked, first: 1 }, additions, signal)
  const since = await nextMoment(join(at, 'clock'))
  t.deepEqual(await findDifferences(root, both.root, since), [])
  t.deepEqual(statSync(join(root, 'opt')).mtime, MOMENT)
  removeAdditions(root, image.ownersKept, additions)
  t.deepEqual(readdirSync(root).sort(), ['d', 'g', 'l'])
  t.deepEqual(
    (await differences()).filter(({ node }) => node?.type !== 'directory'),
    [],
  )
  t.deepEqual(statSync(join(root, 'd')).mtime, MOMENT)
})

for (const [what, entry] of [
  ['replaces a file', file('g', 'other')],
  ['hides a file', file('.wh.g', '')],
  ['goes through a symlink', file('l/x', '')],
] as const) {
  test(`a layer that ${what} is none that only adds`, async (t) => {
    const { unpacked } = await sample(t)
    t.is(await additionsOf(await layer(entry), unpacked.tree), undefined)
  })
}
