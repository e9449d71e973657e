// SPDX-License-Identifier: Apache-2.0
// `npm run fuzz -- [SECONDS] [SEED] [TARGET]`: damages real inputs until the time is over. Ends with 1, and keeps the
// input, when a reader crashes, hangs, or writes outside of its directory.
import { writeFileSync } from 'node:fs'
import { mutate, randomFrom, repairChecksums } from './mutate.js'
import { isAnswer, Sandbox, TARGETS } from './targets.js'

/** Longer than any answer takes on a busy machine. */
const HANG_MS = 20_000

export interface Finding {
  readonly target: string
  readonly seed: number
  readonly reason: string
  readonly input: Buffer
}

/** Runs all targets in turns for some time; stops at the first finding. */
export async function fuzz(o: {
  seconds: number
  seed: number
  only?: string
}): Promise<{ runs: number; finding?: Finding }> {
  const targets = TARGETS.filter(({ name }) => o.only === undefined || name === o.only)
  const seeds = await Promise.all(targets.map((target) => target.seeds()))
  const sandbox = new Sandbox()
  const end = performance.now() + o.seconds * 1000
  let runs = 0
  try {
    for (let seed = o.seed; performance.now() < end; seed += 1) {
      for (const [index, target] of targets.entries()) {
        const random = randomFrom(seed)
        const inputs = seeds[index] ?? []
        const damaged = mutate(inputs[random(inputs.length)] ?? Buffer.alloc(0), random)
        const input = target.isTar && random(2) === 0 ? repairChecksums(damaged) : damaged
        const reason = await judge(target.run(input, sandbox.inner), sandbox)
        runs += 1
        if (reason !== undefined) return { runs, finding: { target: target.name, seed, reason, input } }
        sandbox.empty()
      }
    }
    return { runs }
  } finally {
    sandbox.remove()
  }
}

async function judge(run: Promise<void>, sandbox: Sandbox): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined
  const hang = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${HANG_MS} ms`), HANG_MS)
  })
  const outcome = run.then(
    () => undefined,
    (error: unknown) =>
      isAnswer(error) ? undefined : `crash: ${error instanceof Error ? error.stack : error}`,
  )
  const reason = await Promise.race([outcome, hang])
  clearTimeout(timer)
  return reason ?? sandbox.check()
}

if (process.argv[1]?.endsWith('run.ts')) {
  const [seconds = '60', seed = String(Date.now() % 2 ** 31), only] = process.argv.slice(2)
  process.stdout.write(`fuzzing for ${seconds} s from seed ${seed}\n`)
  const { runs, finding } = await fuzz({
    seconds: Number(seconds),
    seed: Number(seed),
    ...(only ? { only } : {}),
  })
  process.stdout.write(`${runs} inputs\n`)
  if (finding !== undefined) {
    const path = `fuzz-${finding.target}-${finding.seed}.bin`
    writeFileSync(path, finding.input)
    process.stdout.write(`${finding.target}, seed ${finding.seed}: ${finding.reason}\nkept as ${path}\n`)
    process.exitCode = 1
  }
}
