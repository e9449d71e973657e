// SPDX-License-Identifier: Apache-2.0
// The defaults of PYCDS_* arguments in a Dockerfile. Only `ARG` and `FROM` are looked at; the Dockerfile
// frontend reads the rest, and reports what is wrong with it.

interface Stage {
  readonly name: string | undefined
  readonly base: string
  readonly args: Map<string, string>
}

const INSTRUCTION = /^\s*([A-Za-z]+)\s+(.*)$/s
const ASSIGNMENT = /(PYCDS_[A-Z_]+)=(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S*))/g
const HEREDOC = /<<-?(["']?)([A-Za-z_][\w.]*)\1/g

/**
 * The arguments that are in force in a stage: those before the first FROM, those of the stages that it is
 * built on, its own. Later ones win.
 *
 * @param target the stage, by name or number; the last one when empty
 */
export function readDockerfileArgs(dockerfile: string, target: string): Map<string, string> {
  const global = new Map<string, string>()
  const stages: Stage[] = []
  for (const { keyword, text } of instructions(dockerfile)) {
    if (keyword === 'FROM') {
      const [, base = '', name] = /^(?:--\S+\s+)*(\S+)(?:\s+[Aa][Ss]\s+(\S+))?/.exec(text) ?? []
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

/** The logical lines: comments dropped, continued lines joined, the bodies of heredocs skipped. */
function* instructions(dockerfile: string): Generator<{ keyword: string; text: string }> {
  const lines = dockerfile.split(/\r?\n/)
  const [, joiner = '\\'] = /^#\s*escape\s*=\s*(\S)/im.exec(lines.slice(0, 4).join('\n')) ?? []
  for (let at = 0; at < lines.length; at++) {
    let line = lines[at] ?? ''
    if (/^\s*(#|$)/.test(line)) continue
    while (line.trimEnd().endsWith(joiner) && at + 1 < lines.length) {
      const next = lines[++at] ?? ''
      line = /^\s*(#|$)/.test(next) ? line : `${line.trimEnd().slice(0, -1)} ${next}`
    }
    const [, keyword = '', text = ''] = INSTRUCTION.exec(line) ?? []
    yield { keyword: keyword.toUpperCase(), text: text.trim() }
    if (!/^(RUN|COPY|ADD)$/i.test(keyword)) continue
    for (const [, , end] of text.matchAll(HEREDOC)) {
      const close = lines.findIndex((one, index) => index > at && one.trim() === end)
      if (close > at) at = close
    }
  }
}
