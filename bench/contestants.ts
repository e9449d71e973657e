// SPDX-License-Identifier: Apache-2.0
// Who takes part, and how each of them is made ready for one package.
import { join } from 'node:path'
import { prepareCodeDataShare, refusesPython } from './code-data-share.js'
import type { Starter } from './driver.js'
import { type Baked, bake, environmentOf, makeBase, removeImage } from './images.js'
import { type Package, timedProgram } from './packages.js'
import type { Python } from './pythons.js'
import { mountImage, type Root } from './roots.js'
import { ROOT } from './shell.js'

export const CONTESTANTS = ['plain', 'nopyc', 'cds', 'lazy', 'pycds', 'pycds-nopyc', 'other'] as const
export type ContestantName = (typeof CONTESTANTS)[number]

export const TITLES: Readonly<Record<ContestantName, string>> = {
  plain: 'CPython with `.pyc`',
  nopyc: 'CPython as shipped without `.pyc`',
  cds: 'code-data-share 0.1.0',
  lazy: 'CPython with `-X lazy_imports=all`',
  pycds: 'pycds-image',
  'pycds-nopyc': 'pycds-image, image without `.pyc`',
  other: 'pycds-image of another checkout',
}

/** A contestant that is ready to be started. */
export interface Ready {
  readonly name: ContestantName
  readonly starter: Starter
  readonly baked?: Baked
}

export interface Preparation {
  readonly ready: Ready[]
  readonly absent: { name: ContestantName; reason: string }[]
  /** Takes away what was mounted and baked. */
  close(): Promise<void>
}

export interface PrepareOptions {
  readonly names: readonly ContestantName[]
  /** Everything below it may be deleted. */
  readonly folder: string
  /** The checkout that bakes for the contestant `other`. */
  readonly other?: string | undefined
}

/** Bakes and mounts what the contestants need for one package on one interpreter. */
export async function prepare(python: Python, one: Package, options: PrepareOptions): Promise<Preparation> {
  const ready: Ready[] = []
  const absent: Preparation['absent'] = []
  const roots: Root[] = []
  const images: string[] = []
  const close = async () => {
    for (const root of roots) await root.unmount()
    for (const image of images) await removeImage(image)
  }
  const slug = `${python.id}-${one.name}`.replaceAll(/[^a-z0-9.]+/g, '-').toLowerCase()
  const add = async (name: ContestantName) => {
    const base = await makeBase(`${python.images[one.image]}${name.endsWith('nopyc') ? '-nopyc' : ''}`)
    let image = base
    let baked: Baked | undefined
    const checkout = name === 'other' ? options.other : name.startsWith('pycds') ? ROOT : undefined
    if (checkout !== undefined) {
      image = `pycds-bench/${slug}:${name}`
      images.push(image)
      baked = await bake(checkout, base, image, python, one)
    }
    const root = await mountImage(image, join(options.folder, slug, name))
    roots.push(root)
    const env = { ...environmentOf(one), ...(baked ? { PYCDS_ARCHIVE: '/opt/pycds/app.cds' } : {}) }
    if (name === 'cds') Object.assign(env, await prepareCodeDataShare(root, python, one, env))
    const flags = name === 'lazy' ? ['-X', 'lazy_imports=all'] : []
    const argv = [python.executable, ...flags, '-c', timedProgram(one)]
    ready.push({ name, starter: { root: root.path, argv, env }, ...(baked ? { baked } : {}) })
  }
  try {
    for (const name of options.names) {
      const reason = unfit(name, python, options)
      if (reason === undefined) {
        // One that cannot be made ready for a package must not end the benchmark.
        await add(name).catch((error: unknown) => {
          absent.push({ name, reason: String(error).slice(0, 500) })
        })
      } else {
        absent.push({ name, reason })
      }
    }
  } catch (error) {
    await close()
    throw error
  }
  return { ready, absent, close }
}

function unfit(name: ContestantName, python: Python, options: PrepareOptions): string | undefined {
  if (python.only && !python.only.includes(name)) return `not compared on CPython 3.${python.minor}`
  if (name === 'cds') return refusesPython(python)
  if (name === 'lazy' && python.minor < 15) return `CPython 3.${python.minor} has no lazy imports`
  if (name === 'other' && options.other === undefined) return 'no other checkout was given'
  return undefined
}
