// SPDX-License-Identifier: Apache-2.0
// Images for the processor of this machine and for one that it has not: the root file systems that scripts/test.sh
// unpacks, and the emulator among them.
import { accessSync, constants, existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { run } from './run.js'
import { EMULATOR, ROOTS } from './start.js'

const BINFMT = '/proc/sys/fs/binfmt_misc'
/** The start of a program for aarch64, 64 bits, little-endian, and which bits of it count. */
const MAGIC = '\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00'
const MASK =
  '\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff'

export const PLATFORMS = [
  { platform: 'linux/amd64', architecture: 'amd64', root: join(ROOTS, 'sid'), triplet: 'x86_64-linux-gnu' },
  {
    platform: 'linux/arm64',
    architecture: 'arm64',
    root: join(ROOTS, 'sid-arm64'),
    triplet: 'aarch64-linux-gnu',
  },
] as const

/** The newest Python that both roots have; undefined where this machine has not both. */
export function commonPython(): string | undefined {
  const [a = [], b = []] = PLATFORMS.map(({ root }) =>
    existsSync(join(root, 'usr/bin')) ? readdirSync(join(root, 'usr/bin')) : [],
  )
  return a
    .filter((name) => /^python3\.\d+$/.test(name) && b.includes(name))
    .sort()
    .at(-1)
}

/** What is missing for {@link emulate}. */
export async function whyNotEmulated(): Promise<string | undefined> {
  if (!existsSync(EMULATOR)) return 'there is no emulator (scripts/test.sh unpacks it)'
  if (process.getuid?.() !== 0) return 'only root can register an emulator'
  if (!existsSync(`${BINFMT}/register`)) await run('mount', ['-t', 'binfmt_misc', 'binfmt_misc', BINFMT])
  try {
    accessSync(`${BINFMT}/register`, constants.W_OK)
    return undefined
  } catch {
    return 'the kernel takes no emulators (binfmt_misc)'
  }
}

/** Until the test ends, this machine starts programs for aarch64 like its own, also in containers. */
export function emulate(t: ExecutionContext): void {
  const name = `pycds-test-${process.pid}`
  // The file is opened now, so that it need not be in a container; the program gets its own name as it was given.
  writeFileSync(`${BINFMT}/register`, `:${name}:M::${MAGIC}:${MASK}:${EMULATOR}:POCF`)
  t.teardown(() => writeFileSync(`${BINFMT}/${name}`, '-1'))
}
