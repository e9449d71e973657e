// SPDX-License-Identifier: Apache-2.0
// npm run conformance: see USAGE in options.ts.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commitOf, newerThanBuild } from '../bench/machine.js'
import { ROOT } from '../bench/shell.js'
import { createArchiver } from '../src/archive/archiver.js'
import { type ComparedFile, compareFile, type FileResult, type RunFile } from './compare-file.js'
import { freezeStage } from './freeze.js'
import { Interrupted, listenForInterruption } from './interruption.js'
import { conclude, describeFile, describeInterruption, describeTable, type Progress } from './lines.js'
import { type Options, parseOptions, USAGE } from './options.js'
import { choosePython, type Python } from './pythons.js'
import { writeReport } from './report.js'
import {
  addResult,
  RESULTS,
  type Results,
  readResults,
  saveResults,
  saveRuns,
  toSaved,
  withoutResult,
} from './results.js'
import { cannotConfine } from './sandbox.js'
import { Stage, type StageCommand } from './stage.js'
import { SUITES } from './suites/index.js'
import type { Group } from './suites/suite.js'
import { trainStage } from './train.js'

const WRONG_USAGE = 2
/** As the scripts say that something cannot be made on this machine. */
const NOT_POSSIBLE = 77

const interruption = listenForInterruption()

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function refuse(message: string, code: number): number {
  process.stderr.write(`conformance: ${message}\n`)
  return code
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
    return refuse(`${error instanceof Error ? error.message : error}\n\n${USAGE}`, WRONG_USAGE)
  }
  if (options.writeDocs) {
    say(`wrote ${await writeReport()}`)
    return 0
  }
  const newer = await newerThanBuild(ROOT)
  if (newer !== undefined) {
    return refuse(`${newer} is newer than the build; run npm run build first`, WRONG_USAGE)
  }
  const refusal = await checkNamespaces()
  if (refusal !== undefined) return refuse(refusal, NOT_POSSIBLE)
  let python: Python
  try {
    python = await choosePython(options.python)
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error), NOT_POSSIBLE)
  }
  const progress: Progress = { done: 0, of: 0, path: '', resumable: !options.quick }
  try {
    return await runSuite(options, python, progress)
  } catch (error) {
    const { reason } = interruption
    if (!(reason instanceof Interrupted)) throw error
    say(describeInterruption(reason.by, progress))
    return reason.exitCode
  }
}

async function runSuite(options: Options, python: Python, progress: Progress): Promise<number> {
  const suite = SUITES.find((one) => one.name === options.suite)
  if (!suite) throw new Error(`there is no suite ${options.suite}`)
  const {
    groups: all,
    absent,
    known,
  } = await suite.prepare({
    ...{ python, kind: options.kind, quick: options.quick, files: options.files, interruption },
  })
  for (const { name, reason } of absent) say(`skipped: ${name}: ${reason}`)
  if (all.length === 0) return refuse('nothing can be run here', NOT_POSSIBLE)
  const name = `${suite.name}-3.${python.minor}${options.kind === 'snapshot' ? '-snapshot' : ''}`
  const stamp = new Date().toISOString().replaceAll(/[-:]|\..*/g, '')
  const directory = join(RESULTS, 'runs', `${stamp}-${name}${options.quick ? '-quick' : ''}`)
  const path = join(RESULTS, `${name}.json`)
  const results = (options.quick ? undefined : await readResults(path)) ?? newResults(options, python)
  // What was absent in an earlier run and was not tried in this one still is.
  const tried = new Set([...all, ...absent].map((one) => one.name.split(' ')[0]?.toLowerCase()))
  results.absent = [...results.absent.filter((one) => !tried.has(one.name)), ...absent]
  if (known) results.known = known
  const commit = await commitOf(ROOT)
  const groups = options.resume ? withoutResult(all, results, commit) : all
  if (groups.length === 0) {
    say(`every file has a result of ${commit} in ${path}`)
    return 0
  }
  const done: FileResult[] = []
  progress.of = groups.flatMap(({ files }) => files).length
  progress.path = options.quick ? directory : path
  for (const group of groups) {
    await runGroup(group, python, options, progress, async (compared) => {
      done.push(compared.result)
      say(describeFile(compared.result))
      await saveRuns(directory, compared)
      addResult(results, toSaved(compared.result, group.name, commit))
      if (!options.quick) await saveResults(path, results)
      progress.done = done.length
    })
  }
  await saveResults(join(directory, 'results.json'), results)
  say(`\n${describeTable(done)}\n`)
  say(`saved in ${directory}`)
  const { ok, sentence } = conclude(done)
  say(sentence)
  return ok ? 0 : 1
}

async function runGroup(
  group: Group,
  python: Python,
  options: Options,
  progress: Progress,
  take: (compared: ComparedFile) => Promise<void>,
): Promise<void> {
  const archiver = createArchiver()
  const stage = await Stage.open({
    python,
    packages: group.packages,
    env: group.env,
    runtime: archiver.injected(process.arch).runtime,
    witness: readFileSync(join(ROOT, 'conformance/python/witness.py'), 'utf8'),
    interruption,
  })
  try {
    say(`${group.name}: training`)
    const trained = await trainStage(stage, await group.training(group.files, stage), archiver)
    say(
      `${group.name}: an archive of ${trained.modules} modules, ${trained.regexes} regular expressions and ${trained.sources} source strings`,
    )
    if (options.kind === 'snapshot') {
      const { modules, leftOut } = await freezeStage(stage, trained.plan, archiver, (line) =>
        say(`${group.name}: ${line}`),
      )
      say(
        `${group.name}: a snapshot of ${modules.length} modules; ${leftOut.length} left out: ${leftOut.map(({ name }) => name).join(', ')}`,
      )
    }
    const commandFor = (file: string): StageCommand => {
      const command = group.test(file, stage)
      return { ...command, limitSeconds: options.limitSeconds ?? command.limitSeconds }
    }
    const [first] = group.files
    if (first !== undefined)
      say(`${group.name}: each file has ${commandFor(first).limitSeconds / 60} minutes on each side`)
    for (const file of group.files) {
      progress.file = file
      const run: RunFile = (side, name) => stage.runTests(side, commandFor(name), group.ends)
      await take(await compareFile(file, run, options.kind))
    }
  } finally {
    if (options.keep) say(`kept ${stage.directory}`)
    else stage.close()
  }
}

function newResults({ suite, kind }: Options, { version, shared }: Python): Results {
  return {
    ...{ schema: 'io.pycds.conformance/1', suite, ...(kind === 'snapshot' ? { with: kind } : {}) },
    ...{ python: { version, shared }, files: [], absent: [] },
  }
}

async function checkNamespaces(): Promise<string | undefined> {
  const directory = mkdtempSync(join(tmpdir(), 'pycds-conf-'))
  try {
    return await cannotConfine(join(directory, 'output'))
  } finally {
    rmSync(directory, { recursive: true })
  }
}

process.exitCode = await main()
