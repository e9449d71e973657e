// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises'
import { cpus, release, totalmem } from 'node:os'
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

/** The commit of the checkout, with a mark when files differ from it. */
export async function commitOf(checkout: string): Promise<string> {
  return (await run('git', ['-C', checkout, 'describe', '--always', '--dirty', '--abbrev=12'])).trim()
}
