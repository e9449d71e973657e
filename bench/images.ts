// SPDX-License-Identifier: Apache-2.0
// The images of the benchmark: bases made by scripts/base-image.sh, and bakes of them by a checkout.
import { join } from 'node:path'
import { type Package, plainProgram } from './packages.js'
import type { Python } from './pythons.js'
import { CommandFailed, ROOT, run } from './shell.js'

/** What `bake --json` tells, as far as it is used here. */
export interface Baked {
  readonly reference: string
  readonly modules: number
  readonly archiveBytes: number
  readonly layerBytes: number
  readonly layerCompressedBytes: number
  /** With `--snapshot`. */
  readonly snapshot: Snapshot | null
}

/** What `bake --json` tells of a snapshot. */
export interface Snapshot {
  /** Why none is shipped; null: one is. */
  readonly reason: string | null
  readonly bytes: number
  readonly compressedBytes: number | null
  readonly modules: number
  /** How the program of the image goes on in it: behind the hook, or at once. */
  readonly launch: { readonly by: 'hook' | 'entrypoint' }
  readonly leftOut: readonly { readonly name: string; readonly because: string; readonly reason: string }[]
}

/** Variables that every start of a package gets, in training and in measurements. */
export function environmentOf(one: Package): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'C.UTF-8',
    HOME: '/root',
    // Where bytecode is missing a container compiles at each start; a start here must not spare the next one.
    PYTHONDONTWRITEBYTECODE: '1',
    ...pathOf(one),
  }
}

/** Of these what the package needs to be found. */
export function pathOf(one: Package): Record<string, string> {
  return one.pypi === undefined ? {} : { PYTHONPATH: `/opt/pypi/${one.pypi}` }
}

/** What a bake with a snapshot needs to hold it: what lies outside of a site directory is no library to a bake. */
export function libraryOptions(one: Package): string[] {
  return one.pypi === undefined ? [] : ['--snapshot-include', '*']
}

const bases = new Map<string, Promise<string>>()

/** Makes a base image where it is missing; its reference. One that has a tag or a repository is there already. */
export function makeBase(name: string): Promise<string> {
  if (/[/:]/.test(name)) return Promise.resolve(name)
  const known = bases.get(name) ?? callScript(name)
  bases.set(name, known)
  return known
}

async function callScript(name: string): Promise<string> {
  const output = await run(join(ROOT, 'scripts/base-image.sh'), [name], { verbose: true })
  return output.trim().split('\n').at(-1) ?? ''
}

/** Whether an image of the engine has what a package needs; it may have been left out where PyPI was out of reach. */
export async function canImport(image: string, python: Python, one: Package): Promise<string | undefined> {
  const env = Object.entries(environmentOf(one)).flatMap(([name, value]) => ['-e', `${name}=${value}`])
  const code = plainProgram(one)
  try {
    await run('docker', [
      'run',
      '--rm',
      '--network',
      'none',
      ...env,
      image,
      ...[python.executable, '-c', code],
    ])
    return undefined
  } catch (error) {
    return String(error).trim().split('\n').at(-1)
  }
}

/**
 * Bakes an image for one package with the built program of a checkout.
 *
 * @param given.variables  what the program is trained with, beside what the image has
 */
export async function bake(
  checkout: string,
  image: string,
  tag: string,
  python: Python,
  one: Package,
  {
    options = [],
    variables = pathOf(one),
  }: { options?: readonly string[]; variables?: Readonly<Record<string, string>> } = {},
): Promise<Baked> {
  const assigned = Object.entries(variables).map(([name, value]) => `${name}=${value}`)
  const args = [
    ...[join(checkout, 'dist/bin/run.js'), 'bake', image, '--tag', tag, '--measure', '0', '--json'],
    ...['--ready', 'exit', '--timeout', '300s', '--progress', 'quiet', ...options, '--'],
    ...(assigned.length === 0 ? [] : ['/usr/bin/env', ...assigned]),
    ...[python.executable, '-c', plainProgram(one)],
  ]
  const output = await run(process.execPath, args).catch((error: unknown) => {
    throw new Error(`bake of ${one.name}: ${error instanceof CommandFailed ? reasonIn(error.said) : error}`)
  })
  const { archive, layer, snapshot } = JSON.parse(output) as {
    archive: { bytes: number; modules: number }
    layer: { bytes: number; compressedBytes: number }
    snapshot?: Snapshot | null
  }
  return {
    reference: tag,
    modules: archive.modules,
    archiveBytes: archive.bytes,
    layerBytes: layer.bytes,
    layerCompressedBytes: layer.compressedBytes,
    snapshot: snapshot ?? null,
  }
}

/** Prepares an image with the built program of a checkout: it learns. */
export async function prepareImage(checkout: string, image: string, tag: string): Promise<void> {
  await run(process.execPath, [
    ...[join(checkout, 'dist/bin/run.js'), 'prepare', image, '--tag', tag, '--progress', 'quiet'],
  ])
}

/** The message of a failure that was printed as JSON. */
function reasonIn(said: string): string {
  const [, message] = /"message": "(.*)"/.exec(said) ?? []
  return message ?? said.split('\n').at(-1) ?? said
}

export async function removeImage(reference: string): Promise<void> {
  await run('docker', ['rmi', reference]).catch(() => undefined) // it may never have been made
}
