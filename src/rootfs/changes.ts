// SPDX-License-Identifier: Apache-2.0
// What a run has changed in an unpacked image. No second look is compared with a first: the tree tells what there
// was, and the change time of a path, which no program can set, whether it was touched after a moment.
import { lstatSync, readdirSync, rmSync, type Stats, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { by } from '../util/order.js'
import { RootFiles } from './files.js'
import type { TreeNode } from './node.js'

/** A path that differs, relative to the root. */
export interface Difference {
  readonly path: string
  readonly kind: 'modified' | 'added' | 'deleted'
  /** What the tree has there; undefined for what is added. */
  readonly node: TreeNode | undefined
}

/** A moment by the clock of a file system, in milliseconds: whatever changes later has a later change time. */
export type Moment = number

/** So much is looked at before others get their turn, a signal among them. */
const PATHS_AT_ONCE = 2000

/** Waits until the clock by which files get their times has moved on. @param probe a path that may be written */
export async function nextMoment(probe: string): Promise<Moment> {
  const touch = () => {
    writeFileSync(probe, '')
    return lstatSync(probe).ctimeMs
  }
  try {
    const before = touch()
    while (touch() <= before) await setTimeout(1)
    return before
  } finally {
    rmSync(probe, { force: true })
  }
}

/** Finds what is otherwise than in the tree, or was touched since; sorted by path. No symlink is followed. */
export async function findDifferences(
  directory: string,
  root: TreeNode,
  since: Moment,
): Promise<Difference[]> {
  const found: Difference[] = []
  let looked = 0
  for (const { path, node, stats } of walk(directory, root)) {
    looked += 1
    if (looked % PATHS_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve))
    if (node === undefined) found.push({ path, kind: 'added', node })
    else if (stats === undefined) found.push({ path, kind: 'deleted', node })
    else if (isTouched(node, stats, since)) found.push({ path, kind: 'modified', node })
  }
  return found.sort(by('path'))
}

function isTouched(node: TreeNode, stats: Stats, since: Moment): boolean {
  if (stats.ctimeMs > since || typeOf(stats) !== node.type) return true
  // Should the clock have been set back meanwhile, this is still seen.
  return node.type === 'file' && stats.size !== node.size
}

function typeOf(stats: Stats): TreeNode['type'] | 'other' {
  if (stats.isDirectory()) return 'directory'
  if (stats.isSymbolicLink()) return 'symlink'
  return stats.isFile() ? 'file' : 'other'
}

interface Met {
  readonly path: string
  /** As the tree has it. */
  readonly node: TreeNode | undefined
  /** As it is on the disk. */
  readonly stats: Stats | undefined
}

function* walk(directory: string, node: TreeNode | undefined, path = ''): Generator<Met> {
  const stats = lstatSync(join(directory, path), { throwIfNoEntry: false })
  yield { path, node, stats }
  const names = stats?.isDirectory() ? readdirSync(join(directory, path)) : []
  const below = (name: string) => (path === '' ? name : `${path}/${name}`)
  let known = 0
  for (const name of names) {
    const child = node?.children?.get(name)
    if (child !== undefined) known += 1
    if (child?.type === 'directory' || child === undefined) yield* walk(directory, child, below(name))
    else yield* meet(directory, child, below(name))
  }
  if (node?.children === undefined || known === node.children.size) return
  const there = new Set(names)
  for (const [name, child] of node.children) if (!there.has(name)) yield* gone(child, below(name))
}

/** What is no directory in the tree; on the disk it may have become one. */
function* meet(directory: string, node: TreeNode, path: string): Generator<Met> {
  const stats = lstatSync(`${directory}/${path}`, { throwIfNoEntry: false })
  if (stats?.isDirectory()) yield* walk(directory, node, path)
  else yield { path, node, stats }
}

function* gone(node: TreeNode, path: string): Generator<Met> {
  yield { path, node, stats: undefined }
  for (const [name, child] of node.children ?? []) yield* gone(child, `${path}/${name}`)
}

/**
 * Takes a directory back to what the tree says when nothing but additions was made.
 * Returns false when something else was changed, and then has changed nothing.
 */
export function revertAdditions(
  { directory, ownersKept }: { directory: string; ownersKept: boolean },
  differences: readonly Difference[],
): boolean {
  const isRevertible = ({ path, kind, node }: Difference) =>
    kind === 'added' ||
    (kind === 'modified' &&
      node?.type === 'directory' &&
      lstatSync(join(directory, path), { throwIfNoEntry: false })?.isDirectory() === true)
  if (!differences.every(isRevertible)) return false
  const files = new RootFiles(directory, ownersKept)
  for (const { path, kind } of differences) if (kind === 'added') files.remove(path)
  for (const { path, node } of differences) {
    if (node === undefined) continue
    files.setDirectory(path, node)
    files.setDirectoryTime(path, node)
  }
  return true
}
