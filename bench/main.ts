// SPDX-License-Identifier: Apache-2.0
// npm run bench: see USAGE in options.ts.
import { spawnSync } from 'node:child_process'
import { describeMeans } from './lines.js'
import { newerThanBuild } from './machine.js'
import { type Options, parseOptions, USAGE } from './options.js'
import { report } from './report/report.js'
import { saveResults } from './results.js'
import { openResults, removeLeftovers, runPackages, runParts } from './run.js'
import { ROOT } from './shell.js'

const INSIDE = 'PYCDS_BENCH_INSIDE'

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function main(): Promise<number> {
  if (process.argv.includes('--help')) {
    say(USAGE)
    return 0
  }
  let options: Options
  try {
    options = parseOptions(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : error}\n\n${USAGE}\n`)
    return 2
  }
  if (options.report) {
    for (const file of await report(options.results)) say(`wrote ${file}`)
    return 0
  }
  if (process.env[INSIDE] === undefined) return reexecute()
  for (const checkout of [ROOT, ...(options.other === undefined ? [] : [options.other])]) {
    const newer = await newerThanBuild(checkout)
    if (newer === undefined) continue
    process.stderr.write(
      `bench: ${checkout}: ${newer} is newer than the build; run npm run build there first\n`,
    )
    return 2
  }
  await removeLeftovers()
  const results = await openResults(options, say)
  await runPackages(options, results, say)
  await runParts(options, results, say)
  results.finished = new Date().toISOString()
  await saveResults(options.results, results)
  say(describeMeans(results))
  say(`saved in ${options.results}`)
  return 0
}

/** Runs this program in a mount namespace of its own: whatever it mounts is gone when it ends, however it ends. */
function reexecute(): number {
  if (process.getuid?.() !== 0) {
    process.stderr.write('bench: needs root: it mounts images, changes roots and drops caches\n')
    return 2
  }
  const { status, error } = spawnSync(
    'unshare',
    ['--mount', '--propagation', 'private', process.execPath, ...process.execArgv, ...process.argv.slice(1)],
    { stdio: 'inherit', env: { ...process.env, [INSIDE]: '1' } },
  )
  if (error) throw error
  return status ?? 1
}

process.exitCode = await main()
