// SPDX-License-Identifier: Apache-2.0
// What processes of the command line leave behind, by the marks of their owners: other tests run beside this one.
import { readdirSync, readlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { startedPids } from './cli.js'
import { run } from './run.js'

const OWNER = 'io.pycds.owner'
const PENDING = 'localhost/pycds-image-pending'

/** Containers, and images without a name yet, of these processes; all that were started from here if not given. */
export async function leftInEngine(pids: ReadonlySet<number> = startedPids): Promise<string[]> {
  return (await marksInEngine()).filter((mark) => isOf(mark, pids))
}

/** Images of these processes that have no name yet. */
export async function pendingImages(pids: ReadonlySet<number>): Promise<string[]> {
  return (await lines('images', PENDING, '--format', '{{.Tag}}')).filter((mark) => isOf(mark, pids))
}

/** Directories for runs without an engine, and processes whose root is in one. */
export function leftHere(pids: ReadonlySet<number> = startedPids): string[] {
  const directories = readdirSync(tmpdir()).filter((name) => isOf(name.replace(/^pycds-/, ''), pids))
  const roots = readdirSync('/proc').filter((pid) => {
    try {
      const root = /^\d+$/.test(pid) ? readlinkSync(`/proc/${pid}/root`) : ''
      return isOf(root.split('/pycds-')[1] ?? '', pids)
    } catch {
      return false // it has ended
    }
  })
  return [...directories, ...roots]
}

/** Removes what a process could not remove from an engine that it did not reach any more. */
export async function removeLeftBy(pid: number): Promise<void> {
  const pids = new Set([pid])
  const format = `{{.ID}} {{.Label "${OWNER}"}}`
  const containers = await lines('ps', '--all', '--filter', `label=${OWNER}`, '--format', format)
  for (const [id = '', mark = ''] of containers.map((line) => line.split(' ')))
    if (isOf(mark, pids)) await run('docker', ['rm', '--force', id])
  for (const tag of await pendingImages(pids)) await run('docker', ['rmi', '--force', `${PENDING}:${tag}`])
}

async function marksInEngine(): Promise<string[]> {
  const containers = ['ps', '--all', '--filter', `label=${OWNER}`, '--format', `{{.Label "${OWNER}"}}`]
  return [...(await lines(...containers)), ...(await lines('images', PENDING, '--format', '{{.Tag}}'))]
}

async function lines(...args: string[]): Promise<string[]> {
  return (await run('docker', args)).stdout.split('\n').filter((line) => line !== '')
}

/** The second part of a mark is the number of the process. */
function isOf(mark: string, pids: ReadonlySet<number>): boolean {
  const [, pid] = /^[0-9a-f]{8}-(\d+)-/.exec(mark) ?? []
  return pid !== undefined && pids.has(Number(pid))
}
