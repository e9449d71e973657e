// SPDX-License-Identifier: Apache-2.0
// Directories of a run, under the temporary one. They go with it; those of a run that was killed go with the next.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isAbandoned, ownerMark } from '../src/util/owner.js'

/** Short: sockets of tests lie below it. */
const PREFIX = 'pycds-conf-'
/** The file in it that names its process. */
const OWNER = 'owner'

/** A new directory; removes those whose processes have ended, unless they are to be kept. */
export function makeScratch(): string {
  for (const name of readdirSync(tmpdir()).filter((one) => one.startsWith(PREFIX))) {
    const path = join(tmpdir(), name)
    if (isAbandoned(ownerOf(path))) attempt(() => removeTree(path))
  }
  const made = mkdtempSync(join(tmpdir(), PREFIX))
  try {
    writeFileSync(join(made, OWNER), ownerMark())
    return made
  } catch (error) {
    removeScratch(made)
    throw error
  }
}

/** Removes what makeScratch() has made; what cannot be removed now is left to the next run. */
export function removeScratch(directory: string): void {
  attempt(() => removeTree(directory))
}

/** From now on it belongs to nobody, and is removed by nobody. */
export function keepScratch(directory: string): void {
  rmSync(join(directory, OWNER))
}

/** Removes a directory, with what tests have locked. */
export function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true })
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    attempt(() => execFileSync('chmod', ['-R', 'u+rwX', path], { stdio: 'ignore' }))
    rmSync(path, { recursive: true, force: true })
  }
}

function ownerOf(directory: string): string {
  try {
    return readFileSync(join(directory, OWNER), 'utf8')
  } catch {
    return ''
  }
}

/** What does not succeed is no fault of this run. */
function attempt(work: () => void): void {
  try {
    work()
  } catch {}
}
