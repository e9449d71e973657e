// SPDX-License-Identifier: Apache-2.0
// The processes that can be seen here. In an image build they are this one and its relatives.
import { readdirSync, readFileSync } from 'node:fs'

/** Every process that can be seen, with its parent. */
function parents(): Map<number, number> {
  const found = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const text = readFileSync(`/proc/${name}/stat`, 'latin1')
      // The name of the program, in parentheses, may hold anything.
      const [, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ')
      found.set(Number(name), Number(parent))
    } catch {
      // It has just ended.
    }
  }
  return found
}

/** Whether everything that runs here is an ancestor of this process or was started by one: an image build. */
export function isAlone(self = process.pid): boolean {
  const all = parents()
  const line = new Set<number>()
  for (let pid: number | undefined = self; pid !== undefined && pid > 0; pid = all.get(pid)) line.add(pid)
  const isOurs = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 0; at = all.get(at)) {
      if (at === self) return true
    }
    return line.has(pid)
  }
  return [...all.keys()].every(isOurs)
}
