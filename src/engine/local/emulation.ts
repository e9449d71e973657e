// SPDX-License-Identifier: Apache-2.0
// Which programs of other processors the kernel hands to an emulator.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ARCHITECTURES } from '../../image/index.js'

const REGISTRY = '/proc/sys/fs/binfmt_misc'
const MACHINE_OFFSET = 18

/**
 * The architectures with an emulator that works inside other roots too: the kernel opened it when it was registered.
 * @param registry where the kernel tells of them
 */
export function findEmulated(registry = REGISTRY): string[] {
  const entries = read(() => readdirSync(registry)) ?? []
  const machines = entries.map((name) =>
    machineOf(read(() => readFileSync(join(registry, name), 'utf8')) ?? ''),
  )
  return ARCHITECTURES.filter(({ elf }) => machines.includes(elf)).map(({ name }) => name)
}

/** Undefined for an entry that is off, needs its emulator in the root, or is not about ELF files. */
function machineOf(entry: string): number | undefined {
  const flags = /^flags: (\w*)$/m.exec(entry)?.[1] ?? ''
  const magic = Buffer.from(/^magic ([0-9a-f]+)$/m.exec(entry)?.[1] ?? '', 'hex')
  if (!entry.startsWith('enabled') || !flags.includes('F') || magic.toString('latin1', 1, 4) !== 'ELF')
    return undefined
  return magic.length >= MACHINE_OFFSET + 2 ? magic.readUInt16LE(MACHINE_OFFSET) : undefined
}

function read<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined // it is not mounted, or of no interest
  }
}
