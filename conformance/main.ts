// SPDX-License-Identifier: Apache-2.0
// npm run conformance: see USAGE in options.ts.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { commitOf, newerThanBuild } from '../bench/machine.js'
import { ROOT } from '../bench/shell.js'
import { createArchiver } from '../src/archive/archiver.js'
import { type ComparedFile, compareFile, type FileResult, type RunFile } from './compare-file.js'
import { freezeStage } from './freeze.js'
import { Interrupted, listenForInterruption } from './interruption.js'
import { conclude, describeFile, describeStop, describeTable, type Progress } from './lines.js'
import { type Options, parseOptions, USAGE } from './options.js'
import { choosePython, type Python } from './pythons.js'
import { writeReport } from './report.js'
import {
  addResult,
  changeResults,
  makeRunFolder,
  nameOf,
  newResults,
  RESULTS,
  readResults,
  resultsOf,
  resultsPath,
  saveResults,
  saveRuns,
  toSaved,
  withoutResult,
} from './results.js'
import { cannotConfine } from './sandbox.js'
import { makeScratch, removeScratch } from './scratch.js'
import { Stage, type StageCommand } from './stage.js'
import { SUITES } from './suites/index.js'
import { type Group, NotThere } from './suites/suite.js'
import { trainStage } from './train.js'

const DIFFERS = 1
const WRONG_USAGE = 2
/** The run itself: that says nothing of the archive. */
const FAILED = 3
/** As the scripts say that something cannot be made on this machine. */
const NOT_POSSIBLE = 77

const interruption = listenForInterruption(process.stdout)
process.stderr.on('error', () => {}) // there is nowhere left to say so

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
    return refuse(`${messageOf(error)}\n\n${USAGE}`, WRONG_USAGE)
  }
  const progress: Progress = { done: 0, of: 0, path: '', resumable: !options.quick }
  try {
    return await run(options, progress)
  } catch (error) {
    const { reason } = interruption
    if (reason instanceof Interrupted) {
      say(describeStop(`Interrupted by ${reason.by}`, progress))
      return reason.exitCode
    }
    if (error instanceof NotThere) return refuse(error.message, WRONG_USAGE)
    const begun = progress.of > 0 ? `${describeStop('Failed', progress)} ` : ''
    return refuse(`${begun}${messageOf(error)}`, FAILED)
  }
}

/** What people can do something about has a sentence; all else is a fault of this program. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const isFault = [TypeError, ReferenceError, RangeError].some((one) => error instanceof one)
  return isFault ? (error.stack ?? error.message) : error.message
}

async function run(options: Options, progress: Progress): Promise<number> {
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
    return refuse(messageOf(error), NOT_POSSIBLE)
  }
  return runSuite(options, python, progress)
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
  const subject = { suite: suite.name, kind: options.kind, python }
  const path = await resultsPath(RESULTS, subject)
  const before = (options.resume ? await readResults(path) : undefined) ?? newResults(subject)
  const commit = await commitOf(ROOT)
  const kept = resultsOf(all, before, commit)
  const groups = withoutResult(all, before, commit)
  const done: FileResult[] = []
  if (groups.length === 0) {
    say(`every file has a result of ${commit} in ${path}`)
    return tell(done, kept)
  }
  const directory = makeRunFolder(join(RESULTS, 'runs'), `${nameOf(subject)}${options.quick ? '-quick' : ''}`)
  const own = newResults(subject)
  // What was absent in an earlier run and was not tried in this one still is.
  const tried = new Set([...all, ...absent].map((one) => one.name.split(' ')[0]?.toLowerCase()))
  progress.of = groups.flatMap(({ files }) => files).length
  progress.path = options.quick ? directory : path
  const failures: string[] = []
  for (const group of groups) {
    let isTrained = false
    const work = runGroup(group, python, options, progress, async (compared) => {
      isTrained = true
      done.push(compared.result)
      say(describeFile(compared.result))
      await saveRuns(directory, compared)
      const saved = toSaved(compared.result, group.name, commit)
      addResult(own, saved)
      if (!options.quick) {
        await changeResults(path, subject, (results) => {
          results.absent = [...results.absent.filter((one) => !tried.has(one.name)), ...absent]
          if (known) results.known = known
          addResult(results, saved)
        })
      }
      progress.done = done.length
    })
    await work.catch((error) => {
      // One package that cannot be prepared keeps none of the others from being tested.
      if (interruption.aborted || isTrained || groups.length === 1) throw error
      failures.push(group.name)
      say(`FAILED: ${group.name}: ${messageOf(error)}`)
    })
  }
  await saveResults(join(directory, 'results.json'), own)
  say(`\n${describeTable(done)}\n`)
  say(`saved in ${directory}`)
  const code = tell(done, kept)
  return failures.length === 0
    ? code
    : refuse(`Failed, and not tested: ${failures.join(', ')}`, code || FAILED)
}

function tell(done: readonly FileResult[], kept: readonly FileResult[]): number {
  const { ok, sentence } = conclude(done, kept)
  say(sentence)
  return ok ? 0 : DIFFERS
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
    if (first !== undefined) {
      const minutes = commandFor(first).limitSeconds / 60
      say(`${group.name}: each file has ${minutes === 1 ? 'one minute' : `${minutes} minutes`} on each side`)
    }
    for (const file of group.files) {
      progress.file = file
      const run: RunFile = (side, name) => stage.runTests(side, commandFor(name), group.ends)
      await take(await compareFile(file, run, options.kind))
    }
  } finally {
    if (options.keep) {
      stage.keep()
      say(`kept ${stage.directory}`)
    } else stage.close()
  }
}

async function checkNamespaces(): Promise<string | undefined> {
  const directory = makeScratch()
  try {
    return await cannotConfine(join(directory, 'output'))
  } finally {
    removeScratch(directory)
  }
}

const code = await main()
// What could not be written is known when the rest has been.
await new Promise((resolve) => process.stdout.write('', resolve))
const { reason } = interruption
process.exitCode =
  code !== 0 || !interruption.aborted ? code : reason instanceof Interrupted ? reason.exitCode : FAILED
