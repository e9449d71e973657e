// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { run } from './shell.js'

/** What a reader must know to compare figures. */
export interface Facts {
  readonly processor: string
  readonly cores: number
  readonly memoryBytes: number
  readonly kernel: string
  readonly virtual: boolean
  readonly engine: string
  readonly node: string
}

export async function machineFacts(): Promise<Facts> {
  const cpuinfo = await readFile('/proc/cpuinfo', 'utf8')
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: release(),
    virtual: /\bhypervisor\b/.test(cpuinfo),
    engine: (await run('docker', ['version', '--format', '{{.Server.Version}}'])).trim(),
    node: process.version,
  }
}

/** What is measured; neither pages nor saved figures change a figure. */
const MEASURED = ['src', 'native', 'dockerfiles', 'scripts', 'bench/*.ts', 'bench/*.c', 'bench/*.py']

/**
 * The last commit that changed what is measured; where files differ from it with a mark, which is another one for other
 * changes: what was measured of the one says nothing of the other.
 */
export async function commitOf(checkout: string): Promise<string> {
  const git = (...args: string[]) => run('git', ['-C', checkout, ...args, '--', ...MEASURED])
  const commit = (await git('log', '-1', '--format=%h', '--abbrev=12')).trim()
  const changes = await git('diff', '--binary', '--no-ext-diff', '--no-color', 'HEAD')
  if (changes === '') return commit
  return `${commit}-dirty-${createHash('sha256').update(changes).digest('hex').slice(0, 8)}`
}

/** The file of a checkout that is newer than its build; undefined when the build is up to date. */
export async function newerThanBuild(checkout: string): Promise<string | undefined> {
  const built = await stat(join(checkout, 'dist/bin/run.js')).catch(() => undefined)
  const files = (
    await run('git', ['-C', checkout, 'ls-files', 'src', 'native/*.c', 'native/*.h', 'native/*.py'])
  )
    .split('\n')
    .filter(Boolean)
  for (const file of files) {
    const found = await stat(join(checkout, file)).catch(() => undefined)
    if (!built || (found && found.mtimeMs > built.mtimeMs)) return file
  }
  return undefined
}
