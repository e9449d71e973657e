// SPDX-License-Identifier: Apache-2.0
// The interpreters of this machine that tests run on, and which of them a tier takes.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createArchiver } from '../../src/archive/archiver.js'
import { architectureOf, cannotStart, findRoots, startOf } from './start.js'
import { TIER, type Tier } from './tier.js'

export const archiver = createArchiver()

export const PATH = '/usr/sbin:/usr/bin:/sbin:/bin'
const OF_THE_DISTRIBUTION = '/usr/bin/python3'

/** A CPython of this machine, of an unpacked root file system, or of another processor. */
export interface Python {
  path: string
  version: string
  /** Node's name of its processor. */
  architecture: string
  /** Its code lies in a libpython, not in the program. */
  shared: boolean
  /** Named by PYCDS_TEST_PYTHONS. */
  named: boolean
}

interface Candidate extends Python {
  /** A release build with the GIL, of a version that has a layout. */
  supported: boolean
}

export const minorOf = ({ version }: Pick<Python, 'version'>) => Number(version.split('.')[1])

/**
 * Supported interpreters at hand that run on this processor, one per version: of the distribution, of pyenv, of
 * the root file systems, and those of PYCDS_TEST_PYTHONS (paths, joined by `:`). The tier says how many of them.
 */
export function findPythons(): Python[] {
  return selectPythons(findAllPythons(), TIER)
}

/** The same, whatever the tier. */
export function findAllPythons(): Python[] {
  const found = candidates((architecture) => architecture === process.arch)
  const supported = found.filter((one) => one.supported)
  return [...new Map(supported.map((one) => [one.version, one])).values()]
}

/** The same, but those of another processor, which an emulator runs: slow, and only for the tier `all` or if named. */
export function findEmulatedPythons(): Python[] {
  const found = candidates(
    (architecture, named) => architecture !== process.arch && (named || TIER === 'all'),
  )
  return found.filter(({ supported }) => supported)
}

/** Interpreters at hand that must be refused: debug builds and free-threaded ones. */
export function findUnsupportedPythons(): Python[] {
  return candidates((architecture) => architecture === process.arch).filter(({ supported }) => !supported)
}

/**
 * The two versions that most images have, in the two ways in which a CPython is built; the lowest rank is preferred.
 * The first is that of the distribution, which every machine has.
 */
const MAIN: { minor: number; rank: (python: Python) => number }[] = [
  { minor: 11, rank: ({ path, shared }) => (path === OF_THE_DISTRIBUTION ? 0 : shared ? 2 : 1) },
  { minor: 13, rank: ({ shared }) => (shared ? 0 : 1) },
]

/** Those of a tier, in the order given: quick takes one of them. Whatever has been named counts. */
export function selectPythons(pythons: readonly Python[], tier: Tier): Python[] {
  const main = MAIN.flatMap(({ minor, rank }) => {
    const [first] = pythons.filter((one) => minorOf(one) === minor).sort((a, b) => rank(a) - rank(b))
    return first ? [first] : []
  })
  const byVersion = [...pythons].sort(compareVersions)
  const preferred = [...main, byVersion.at(0), byVersion.at(-1)]
  const chosen = new Set<Python | undefined>(tier === 'quick' ? preferred.slice(0, 1) : preferred)
  return pythons.filter((one) => tier === 'all' || one.named || chosen.has(one))
}

function compareVersions(a: Python, b: Python): number {
  return a.version.localeCompare(b.version, 'en', { numeric: true })
}

function candidates(wanted: (architecture: string, named: boolean) => boolean): Candidate[] {
  const pyenv = join(process.env.PYENV_ROOT ?? join(homedir(), '.pyenv'), 'versions')
  const versions = existsSync(pyenv) ? readdirSync(pyenv) : []
  const named = (process.env.PYCDS_TEST_PYTHONS ?? '').split(':').filter(Boolean)
  const paths = [
    OF_THE_DISTRIBUTION,
    '/usr/local/bin/python3',
    ...versions.map((name) => join(pyenv, name, 'bin/python3')),
    ...findRoots().flatMap(pythonsBelow),
    ...named,
  ]
  for (const path of named) {
    const reason = existsSync(path) ? cannotStart(path) : 'there is no such file'
    if (reason !== undefined) throw new Error(`PYCDS_TEST_PYTHONS: ${path}: ${reason}`)
  }
  return [...new Set(paths)]
    .filter((path) => existsSync(path) && wanted(architectureOf(path) ?? '', named.includes(path)))
    .filter((path) => cannotStart(path) === undefined)
    .flatMap((path) => probe(path, named.includes(path)))
}

function pythonsBelow(root: string): string[] {
  const names = readdirSync(join(root, 'usr/bin')).filter((name) => /^python3\.\d+d?$/.test(name))
  return names.map((name) => join(root, 'usr/bin', name))
}

function probe(path: string, named: boolean): Candidate[] {
  const program =
    'import sys; print(sys.version.split()[0], hasattr(sys, "gettotalrefcount"), "/libpython3" in open("/proc/self/maps").read(), sys.abiflags)'
  const { file, args, env } = startOf(path, ['-I', '-S', '-c', program], { PATH }, '/')
  const { status, signal, stdout, stderr } = spawnSync(file, args, { env, encoding: 'utf8' })
  const answer = /^(\d+(?:\.\d+)+\S*) (True|False) (True|False) ?(\w*)$/.exec((stdout ?? '').trim())
  if (status !== 0 || !answer) {
    // One that is broken takes no part, but is not passed over in silence; the others still do.
    const told = (stderr ?? '').trim().split('\n').at(-1)
    const reason = `${path} does not start (${signal ?? status})${told ? `: ${told}` : ''}`
    if (named) throw new Error(`PYCDS_TEST_PYTHONS: ${reason}`)
    process.stderr.write(`left out: ${reason}\n`)
    return []
  }
  const [, version = '', debug, shared, flags = ''] = answer
  const known = archiver.supportedVersions().includes(version.split('.').slice(0, 2).join('.'))
  // A version without a layout is of no interest, be it what it may.
  if (!known) return []
  return [
    {
      path,
      version,
      architecture: architectureOf(path) ?? '',
      shared: shared === 'True',
      named,
      supported: debug === 'False' && flags === '',
    },
  ]
}
