// SPDX-License-Identifier: Apache-2.0
// The defaults of PYCDS_* arguments in a Dockerfile. Only `ARG` and `FROM` are looked at; the Dockerfile
// frontend reads the rest, and reports what is wrong with it.
import { readFrom, readInstructions } from '../dockerfile/index.js'

interface Stage {
  readonly name: string | undefined
  readonly base: string
  readonly args: Map<string, string>
}

const ASSIGNMENT = /(PYCDS_[A-Z_]+)=(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S*))/g

/**
 * The arguments that are in force in a stage: those before the first FROM, those of the stages that it is
 * built on, its own. Later ones win.
 *
 * @param target the stage, by name or number; the last one when empty
 */
export function readDockerfileArgs(dockerfile: string, target: string): Map<string, string> {
  const global = new Map<string, string>()
  const stages: Stage[] = []
  for (const { keyword, text } of readInstructions(dockerfile)) {
    if (keyword === 'FROM') {
      const { base, name } = readFrom(text)
      stages.push({ base: base.toLowerCase(), name: name?.toLowerCase(), args: new Map() })
    } else if (keyword === 'ARG') {
      const into = stages.at(-1)?.args ?? global
      for (const [, name = '', double, single, plain] of text.matchAll(ASSIGNMENT)) {
        into.set(name, double?.replace(/\\(.)/g, '$1') ?? single ?? plain ?? '')
      }
    }
  }
  const wanted = target.toLowerCase()
  let at =
    wanted === ''
      ? stages.length - 1
      : stages.findLastIndex((stage, index) => stage.name === wanted || String(index) === wanted)
  const chain: Stage[] = []
  for (let stage = stages[at]; stage !== undefined; stage = stages[at]) {
    chain.unshift(stage)
    const { base } = stage
    at = stages.slice(0, at).findLastIndex((one) => one.name === base)
  }
  return new Map([...global, ...chain.flatMap((stage) => [...stage.args])])
}
