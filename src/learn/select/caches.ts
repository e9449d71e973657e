// SPDX-License-Identifier: Apache-2.0
// Unites what the processes of a training run compiled into the cached results of one archive. What is not worth it was
// never recorded (native/cpython/one_off.h).
import type { CachedResults, CompiledRegex, CompiledSource } from '../../ports/index.js'
import type { PythonGroup } from './interpreter.js'

/** Chooses each question once; equal questions to one interpreter have equal answers. */
export function selectCaches(group: PythonGroup): CachedResults {
  const regexes = new Map<string, CompiledRegex>()
  const sources = new Map<string, CompiledSource>()
  for (const process of group.processes) {
    for (const regex of process.regexes) {
      addNew(regexes, [regex.isBytes, regex.asked, regex.pattern], regex)
    }
    for (const source of process.sources) {
      const { mode, flags, filename, text } = source
      addNew(sources, [mode, flags, filename, text], source)
    }
  }
  return { regexes: [...regexes.values()], sources: [...sources.values()] }
}

function addNew<T>(known: Map<string, T>, question: readonly unknown[], answer: T): void {
  const key = question.map((part) => (Buffer.isBuffer(part) ? part.toString('latin1') : part)).join('\0')
  if (!known.has(key)) known.set(key, answer)
}
