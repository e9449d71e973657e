// SPDX-License-Identifier: Apache-2.0
// Where the time of a baked start goes, and how much of it is the runtime's own code: perf record -e cpu-clock.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { prepare } from '../contestants.js'
import { QUICK_PACKAGES, TIMES } from '../packages.js'
import { measuredInFull } from '../pythons.js'
import { findEntry } from '../results.js'
import { run } from '../shell.js'
import type { Part, PartContext } from './part.js'
import { ownCode, parseSamples, topLines } from './samples.js'

const STARTS = 20
const TOP = 25

export interface Profile {
  readonly python: string
  readonly package: string
  readonly samples: number
  /** Percent of the whole process that is spent in the runtime's file, system calls and page faults of it included. */
  readonly ownPercent: number
  /** The same with the interpreter's functions that the runtime calls, but for running code. */
  readonly ownWithCallsPercent: number
  /** The first of these as a percentage of the import phase; null when that was not measured. */
  readonly ownOfPhasePercent: number | null
  readonly top: readonly { percent: number; file: string; symbol: string }[]
}

export const profile: Part = {
  name: 'profile',
  title: "share of the runtime's own code",
  async run(context): Promise<Profile[]> {
    const rows: Profile[] = []
    for (const python of measuredInFull(context.options.pythons)) {
      for (const one of context.options.packages.filter(({ name }) => QUICK_PACKAGES.includes(name))) {
        const prepared = await prepare(python, one, { names: ['pycds'], folder: context.folder })
        try {
          const [ready] = prepared.ready
          if (!ready) throw new Error(JSON.stringify(prepared.absent))
          const { root, argv, env } = ready.starter
          const text = await record(root, argv, env, context.folder)
          const samples = parseSamples(text)
          const own = ownCode(samples)
          rows.push({
            ...{ python: python.id, package: one.name, samples: samples.length },
            ...{ ownPercent: own.itself, ownWithCallsPercent: own.withCalls },
            ownOfPhasePercent: ofPhase(own.itself, context, python.id, one.name),
            top: topLines(samples, TOP),
          })
          context.say(
            `profile, ${python.id} ${one.name}: own code ${own.itself.toFixed(1)} %, with calls ${own.withCalls.toFixed(1)} %`,
          )
        } finally {
          await prepared.close()
        }
      }
    }
    return rows
  },
}

async function record(
  root: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  folder: string,
): Promise<string> {
  const data = join(folder, 'perf.data')
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const loop = `i=0; while [ $i -lt ${STARTS} ]; do "$@" ${TIMES}>/dev/null >/dev/null || exit 1; i=$((i+1)); done`
  const command = ['sh', '-c', loop, 'sh', 'chroot', root, '/usr/bin/env', '-i', ...variables, ...argv]
  // -B -N: perf would take the build-ids of files of the same name outside of the root.
  await run('nice', [
    ...[
      '-n',
      '-20',
      'perf',
      'record',
      '-q',
      '-B',
      '-N',
      '-e',
      'cpu-clock',
      '-F',
      '4999',
      '--call-graph',
      'dwarf,8192',
    ],
    ...['-o', data, '--', ...command],
  ])
  const fields = ['-F', 'comm,pid,event,ip,sym,dso']
  const text = await run('perf', [
    'script',
    '-i',
    data,
    '--symfs',
    root,
    '--kallsyms=/proc/kallsyms',
    '--no-inline',
    ...fields,
  ])
  await rm(data)
  return text
}

function ofPhase(percent: number, { results }: PartContext, python: string, name: string): number | null {
  const times = findEntry(results, { python, package: name, cache: 'warm' })?.contestants.pycds
  return times ? (percent * times.processCpu.median) / times.phaseCpu.median : null
}
