// SPDX-License-Identifier: Apache-2.0
// Reads what `perf script -F comm,pid,event,ip,sym,dso` prints: per sample a head, and a line per frame from the inside out.

export interface Frame {
  readonly symbol: string
  readonly file: string
}

export type Sample = readonly Frame[]

const RUNTIME = '_pycds'
/** Below this the interpreter runs somebody's code, whoever asked for it. */
const EVALUATES = /^_?PyEval_/

/** The stacks of the Python processes, innermost frame first. */
export function parseSamples(text: string): Sample[] {
  return text
    .split('\n\n')
    .map((block) => block.trim().split('\n'))
    .filter(([head]) => /^python/.test(head ?? ''))
    .map(([, ...lines]) => lines.flatMap(parseFrame))
    .filter((sample) => sample.length > 0)
}

function parseFrame(line: string): Frame[] {
  const [, symbol, file] = /^\s*[0-9a-f]+ (.*) \((.*)\)$/.exec(line) ?? []
  return symbol === undefined || file === undefined ? [] : [{ symbol, file: file.split('/').at(-1) ?? file }]
}

/** Percentages of all samples: where the runtime itself was at work, and with what it called. */
export function ownCode(samples: readonly Sample[]): { itself: number; withCalls: number } {
  const share = (isOwn: (sample: Sample) => boolean) =>
    samples.length === 0 ? 0 : (100 * samples.filter(isOwn).length) / samples.length
  return { itself: share(isRuntimeItself), withCalls: share(calledByRuntime) }
}

/** The kernel works for the runtime when that made the system call or touched the page; the C library copies for it. */
function isRuntimeItself(sample: Sample): boolean {
  const worker = sample.find(({ file }) => !isKernel(file) && !/^(?:libc|ld-linux|ld-musl)/.test(file))
  return worker?.file.includes(RUNTIME) ?? false
}

function calledByRuntime(sample: Sample): boolean {
  for (const { symbol, file } of sample) {
    if (file.includes(RUNTIME)) return true
    if (EVALUATES.test(symbol)) return false
  }
  return false
}

/** The functions in which most time is spent, by themselves. */
export function topLines(
  samples: readonly Sample[],
  count: number,
): { percent: number; file: string; symbol: string }[] {
  const counts = new Map<string, { samples: number; file: string; symbol: string }>()
  for (const [inner] of samples) {
    if (!inner) continue
    const key = `${inner.file} ${inner.symbol}`
    const known = counts.get(key) ?? { samples: 0, ...inner }
    counts.set(key, { ...known, samples: known.samples + 1 })
  }
  return [...counts.values()]
    .sort((a, b) => b.samples - a.samples)
    .slice(0, count)
    .map(({ samples: own, file, symbol }) => ({ percent: (100 * own) / samples.length, file, symbol }))
}

function isKernel(file: string): boolean {
  return file.startsWith('[')
}
