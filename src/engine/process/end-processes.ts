// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'

const DEADLINE_MS = 5000
const POLL_MS = 20

/** Kills every process that was started with this variable in its environment, and waits until none is left. */
export async function endProcesses(name: string, value: string): Promise<void> {
  const end = performance.now() + DEADLINE_MS
  for (;;) {
    const found = processesWith(name, value)
    if (found.length === 0 || performance.now() > end) return
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    await setTimeout(POLL_MS)
  }
}

function processesWith(name: string, value: string): number[] {
  const wanted = Buffer.from(`\0${name}=${value}\0`)
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))
  return pids.map(Number).filter((pid) => {
    try {
      // Empty for a process that has ended and waits for its parent.
      return Buffer.concat([Buffer.of(0), readFileSync(`/proc/${pid}/environ`)]).includes(wanted)
    } catch {
      return false
    }
  })
}
