// SPDX-License-Identifier: Apache-2.0
// Unites what the processes of a training run compiled into the cached results of one archive.
import { isHook } from '../../layer/hook.js'
import type { CachedResults, CompiledRegex, CompiledSource } from '../../ports/index.js'
import type { PythonGroup } from './interpreter.js'

/**
 * Hashes, addresses and UUIDs: another one in each process, so the question would never be asked again, and two
 * bakes would not give the same bytes. Where nothing but a number differs, the tracer has recorded samples.
 */
const TRANSIENT = /\d{15}|0x[\da-f]{9}|[\da-f]{8}-?[\da-f]{4}-?4[\da-f]{3}-?[89ab][\da-f]{3}-?[\da-f]{12}/i
/** The number that the tracer puts in the place of such a one. */
const SAMPLE = /10{16,18}7/

/** Chooses each question once; equal questions to one interpreter have equal answers. */
export function selectCaches(group: PythonGroup): CachedResults {
  const regexes = new Map<string, CompiledRegex>()
  const sources = new Map<string, CompiledSource>()
  for (const process of group.processes) {
    for (const regex of process.regexes) {
      addNew(regexes, [regex.isBytes, regex.asked, regex.pattern], regex)
    }
    for (const source of process.sources) {
      const { mode, optimize, flags, filename, text, isSample } = source
      const rest = isSample ? text.toString().replace(SAMPLE, '') : text.toString()
      const isStable = !TRANSIENT.test(rest) && !TRANSIENT.test(filename.toString())
      // The hook goes with the layer of the earlier bake, and comes back with the new one: not the image's own.
      const wanted = optimize === group.python.optimize && isStable && !isHook(text.toString())
      if (wanted) addNew(sources, [mode, flags, filename, text], source)
    }
  }
  return { regexes: [...regexes.values()], sources: [...sources.values()] }
}

function addNew<T>(known: Map<string, T>, question: readonly unknown[], answer: T): void {
  const key = question.map((part) => (Buffer.isBuffer(part) ? part.toString('latin1') : part)).join('\0')
  if (!known.has(key)) known.set(key, answer)
}
