// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { Tree, type TreeNode } from '../../../src/rootfs/index.js'
import { MOMENT } from '../../helpers/tar.js'

const plain = { mode: 0o644, uid: 7, gid: 8, mtime: MOMENT, layer: 3 }
const file = (o: Partial<TreeNode> = {}): TreeNode => ({ ...plain, type: 'file', size: 4, ...o })
const link = (linkname: string): TreeNode => ({ ...plain, type: 'symlink', size: linkname.length, linkname })

/** The children of the root of a new tree. */
function sample() {
  const tree = new Tree()
  const { children } = tree.root
  if (children === undefined) throw new Error('the root is no directory')
  return { tree, children, names: () => [...children].map(([name]) => name).sort() }
}

test('attributes come back as they were given, large, fractional and missing ones among them', (t) => {
  const { children } = sample()
  const odd = file({ size: 2 ** 40, uid: 2 ** 32 - 2, mtime: new Date(-1), mode: 0o7777, isCapable: true })
  children.set('odd', odd)
  children.set('plain', file())
  children.set('link', link('../zu/weit/☃'))
  t.like(children.get('odd'), odd)
  t.like(children.get('plain'), { ...file(), isCapable: undefined, linkname: undefined })
  t.like(children.get('link'), link('../zu/weit/☃'))
})

test('names are told apart by each byte and by their directory, however many there are', (t) => {
  const { tree, children } = sample()
  const folders = ['a', 'b'].map((name) => {
    const node = tree.makeDirectory(0)
    children.set(name, node)
    return node
  })
  const names = Array.from({ length: 20_000 }, (_, index) => `näme-${index}`)
  for (const [at, folder] of folders.entries()) {
    for (const [size, name] of names.entries()) folder.children?.set(name, file({ size: 2 * size + at }))
  }
  for (const [at, folder] of folders.entries()) {
    t.is(folder.children?.size, names.length)
    t.is(new Set([...(folder.children ?? [])].map(([name]) => name)).size, names.length)
    t.true(names.every((name, size) => folder.children?.get(name)?.size === 2 * size + at))
    t.is(folder.children?.get('näme'), undefined)
    t.is(folder.children?.get('näme-200000'), undefined)
  }
})

test('the longest name is found, and one that is longer than any is absent', (t) => {
  const { children } = sample()
  const longest = `${'☃'.repeat(84)}abc`
  children.set(longest, file())
  t.is(children.get(longest)?.size, 4)
  for (const more of ['a', '☃', 'a'.repeat(300)]) t.is(children.get(longest + more), undefined)
})

test('what was removed is gone, and its name can be given again', (t) => {
  const { tree, children, names } = sample()
  for (const name of ['a', 'b', 'c']) children.set(name, link(name))
  t.true(children.delete('b'))
  t.false(children.delete('b'))
  t.is(children.get('b'), undefined)
  t.deepEqual(names(), ['a', 'c'])
  children.set('b', file({ size: 9 }))
  t.like(children.get('b'), { type: 'file', size: 9, linkname: undefined })
  children.set('b', tree.makeDirectory(1))
  children.set('a', tree.makeDirectory(1))
  t.is(children.get('a')?.type, 'directory')
  children.set('a', file())
  t.is(children.get('a')?.type, 'file')
  t.deepEqual(names(), ['a', 'b', 'c'])
  t.is(children.size, 3)
})

test('a copy changes in its directories without the original, and shares all others', (t) => {
  const { tree, children, names } = sample()
  for (const name of ['changed', 'shared']) children.set(name, tree.makeDirectory(0))
  children.set('file', file())
  children.get('changed')?.children?.set('old', file())
  const copy = tree.copyAlong(['', 'changed', 'absent/below'])
  copy.resolve('changed', false)?.node.children?.set('new', file())
  Object.assign(copy.resolve('changed', false)?.node ?? {}, { mode: 0o700 })
  copy.root.children?.set('top', file())
  copy.root.children?.delete('file')
  t.deepEqual(names(), ['changed', 'file', 'shared'])
  t.like(tree.resolve('changed', false)?.node, { mode: 0o755 })
  t.is(tree.resolve('changed/new', false), undefined)
  t.like(copy.resolve('changed/old', false)?.node, file())
  t.like(copy.resolve('changed/new', false)?.node, file())
  t.is(copy.resolve('file', false), undefined)
  t.is(copy.resolve('shared', false)?.node, tree.resolve('shared', false)?.node)
})
