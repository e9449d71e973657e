// SPDX-License-Identifier: Apache-2.0
// Unites what the processes of a training run compiled into the cached results of one archive.
import type { TracedRegex, TracedSource } from '../train/index.js'
import type { CachedResults } from './archiver.js'
import type { PythonGroup } from './interpreter.js'

/** Chooses each question once; equal questions to one interpreter have equal answers. */
export function selectCaches(group: PythonGroup): CachedResults {
  const regexes = new Map<string, TracedRegex>()
  const sources = new Map<string, TracedSource>()
  for (const process of group.processes) {
    for (const regex of process.regexes) {
      addNew(regexes, [regex.isBytes, regex.asked, regex.pattern], regex)
    }
    for (const source of process.sources) {
      const { mode, optimize, flags, filename, text } = source
      if (optimize === group.python.optimize) addNew(sources, [mode, flags, filename, text], source)
    }
  }
  return { regexes: [...regexes.values()], sources: [...sources.values()] }
}

function addNew<T>(known: Map<string, T>, question: readonly unknown[], answer: T): void {
  const key = question.map((part) => (Buffer.isBuffer(part) ? part.toString('latin1') : part)).join('\0')
  if (!known.has(key)) known.set(key, answer)
}
