// SPDX-License-Identifier: Apache-2.0
// What a bake knows before it writes an archive: from running the image's command, from importing
// modules by name, from traces that were recorded before, or from several of these.
import { PycdsError } from '../errors/index.js'
import { ARCHITECTURES } from '../image/index.js'
import type { Container, Injected, RunPorts } from '../ports/index.js'
import { by } from '../util/order.js'
import { quote } from '../util/quote.js'
import { compilesAlike, readBuild } from './build.js'
import { findPython, type PythonSurroundings } from './find-python.js'
import { asInImage, PREFIXES, warnOfMadeEnvironments } from './in-image.js'
import { warnOfOwnInterpreter } from './own-interpreter.js'
import { readCode } from './read-code.js'
import { importRun, LOADER_FILE, type ReadyPlan, type Training, type TrainingSpec } from './run/index.js'
import type { RunLogProcess } from './runlog/run-log.js'
import { choosePython, type PythonGroup } from './select/interpreter.js'
import { type ModuleSelection, selectModules } from './select/modules.js'
import type { Trace } from './trace/trace-file.js'
import { mergeTraces } from './trace/traces.js'
import { runTraining, type TrainingRequest, warningsFor } from './training.js'

export interface LearnRequest extends TrainingRequest {
  /** Run the image's command, import `imports` instead, or only use `traces`. */
  mode: 'entrypoint' | 'imports' | 'none'
  imports: readonly string[]
  traces: readonly { name: string; trace: Trace }[]
}

export interface LearnInput {
  spec: TrainingSpec
  scripts: Injected['scripts']
  surroundings: PythonSurroundings
  ready: ReadyPlan
  /** The files of the image as they are before any run. */
  image: Pick<Container, 'stat' | 'lstat' | 'readFile'>
}

export interface Learned {
  python: PythonGroup
  selection: ModuleSelection
  /** The run that was made, which may have been one of importing or of reading a trace's modules. */
  training: Training
  /** Runs the same again, to be timed; undefined when the application was never run. */
  start: TrainingSpec | undefined
  warnings: string[]
}

export async function learn(request: LearnRequest, given: LearnInput, ports: RunPorts): Promise<Learned> {
  const input = { ...given, spec: await withLoader(given) }
  const run = await startOf(request, input)
  const supported = ports.archiver.supportedVersions()
  if (!run) return fromTraces(request, undefined, input, ports)
  const seen = await runTraining(request, run, input, ports)
  const training = await asInImage(seen, input.image)
  // Where variables are enough, starts of the new image are told nothing in another way.
  const { loaderList: _, ...plain } = run
  const start = training.unseen.length > 0 ? run : plain
  const python = await withProgram(choosePython(request.reference, training, supported), input.image)
  await assertInImage(request, python, input)
  const selection = selectModules(python, training.changed)
  const warnings = [
    ...warningsFor(request, training, python),
    ...warnOfMadeEnvironments(seen, training),
    ...warningsOfImports(request, input, python),
  ]
  const learned = { python, selection, training, start, warnings }
  return request.traces.length > 0 ? fromTraces(request, learned, input, ports) : learned
}

/** Modules that were imported by name were imported in a Python that the command need not start. */
function warningsOfImports(
  { mode }: LearnRequest,
  { surroundings }: LearnInput,
  { python }: PythonGroup,
): string[] {
  return mode === 'imports' ? warnOfOwnInterpreter(surroundings.command, python.library) : []
}

/** What starts install has another path, or another build, whenever they do it. */
async function assertInImage(
  { reference }: LearnRequest,
  { python: { library } }: PythonGroup,
  { image }: LearnInput,
): Promise<void> {
  if (await image.stat(library)) return
  throw new PycdsError('PYTHON_UNSUPPORTED', {
    message: `image ${reference}: ${library}: this Python is there only because of the training run`,
    hint: 'Put the interpreter into the image instead of installing it at start.',
  })
}

/** A server that has Python as a plugin cannot compile a file: a Python of the same version can. */
async function withProgram(group: PythonGroup, image: Pick<Container, 'stat'>): Promise<PythonGroup> {
  const { python, processes } = group
  if (/(^|\/)python[\d.]*$/.test(python.executable)) return group
  const minor = python.version.split('.').slice(0, 2).join('.')
  const prefixes = [...new Set([...processes.map(({ prefix }) => prefix), ...PREFIXES])]
  for (const executable of prefixes.map((prefix) => `${prefix}/bin/python${minor}`)) {
    if (await image.stat(executable))
      return { ...group, python: { ...python, executable, launcher: executable }, isPlugin: true }
  }
  return group
}

/** A root that is thrown away can hold the tracer where every program gets it. */
async function withLoader({ spec, image }: LearnInput): Promise<TrainingSpec> {
  if (spec.place !== undefined) return spec
  return { ...spec, loaderList: (await image.readFile(LOADER_FILE))?.toString() ?? '' }
}

async function startOf(request: LearnRequest, input: LearnInput): Promise<TrainingSpec | undefined> {
  if (request.mode === 'entrypoint') return input.spec
  if (request.mode === 'none') return undefined
  const { executable, entry } = await findPython(
    `image ${request.reference}`,
    input.image,
    input.surroundings,
  )
  return importRun(input.spec, input.scripts.import, { executable, optimize: 0 }, entry, request.imports)
}

/** Adds what traces name and `learned` does not know, read afresh from this image. */
async function fromTraces(
  request: LearnRequest,
  learned: Learned | undefined,
  input: LearnInput,
  ports: RunPorts,
): Promise<Learned> {
  const trace = mergeTraces(request.traces)
  const known = new Set(learned?.selection.modules.map(({ name }) => name))
  const wanted = trace.modules.filter(({ name }) => !known.has(name))
  const read = await readModules(request, trace, wanted, input, ports)
  const python = choosePython(request.reference, read, ports.archiver.supportedVersions())
  assertSamePython(request, trace, learned?.python ?? python)
  const found = selectModules(python, read.changed)
  const order = new Map(wanted.map(({ name }, index) => [name, index]))
  const modules = found.modules
    .filter(({ name }) => order.has(name))
    .sort((a, b) => (order.get(a.name) ?? 0) - (order.get(b.name) ?? 0))
  assertSameImage(
    request,
    trace,
    modules.map(({ name }) => name),
    wanted,
  )
  const all = [...(learned?.selection.modules ?? []), ...modules]
  const names = new Set(all.map(({ name }) => name))
  const leftOut = [...trace.leftOut, ...found.leftOut, ...(learned?.selection.leftOut ?? [])]
  const unique = new Map(leftOut.filter(({ name }) => !names.has(name)).map((entry) => [entry.name, entry]))
  const warnings = [...(learned?.warnings ?? []), ...changesOf(request, trace, modules, wanted.length)]
  const asRead = async () =>
    await withPlugin(await withDirectories(python, trace, input.image), trace, input.image, ports.archiver)
  return {
    python: learned ? withCaches(learned.python, python, trace) : await asRead(),
    selection: { modules: all, leftOut: [...unique.values()].sort(by('name')) },
    training: learned?.training ?? read,
    start: learned?.start,
    warnings,
  }
}

async function readModules(
  request: LearnRequest,
  trace: Trace,
  wanted: Trace['modules'],
  input: LearnInput,
  ports: RunPorts,
): Promise<Training> {
  const there = await input.image.stat(trace.python.executable)
  const executable = there
    ? trace.python.executable
    : (await findPython(`image ${request.reference}`, input.image, input.surroundings)).executable
  const modules = wanted.map((module) => ({ ...module, isPackage: module.package }))
  return readCode(
    {
      title: `Read ${wanted.length} modules that traces name`,
      python: { executable, optimize: trace.python.optimize },
      list: { modules, regexes: trace.regexes, sources: trace.sources },
      limits: request.limits,
    },
    input,
    ports,
  )
}

function assertSamePython(request: LearnRequest, trace: Trace, { python }: PythonGroup): void {
  if (python.cacheTag === trace.python.cacheTag) return
  throw refused(request, `it is of ${trace.python.cacheTag}, and the image runs ${python.cacheTag}`)
}

/**
 * Two images may share a base and all libraries. A trace is of another image when nothing of what it has
 * beside the library of Python and site directories is here, or most of it all is missing.
 */
function assertSameImage(
  request: LearnRequest,
  trace: Trace,
  found: readonly string[],
  wanted: Trace['modules'],
): void {
  const here = new Set(found)
  const library = /\/lib(64)?\/python3(\.\d+)?\//
  const own = wanted.filter(({ origin }) => !library.test(origin))
  const count = (modules: Trace['modules']) => modules.filter(({ name }) => here.has(name)).length
  const isForeign = own.length > 0 ? count(own) === 0 : false
  if (!isForeign && count(wanted) * 2 >= wanted.length) return
  const example = own.find(({ name }) => !here.has(name))?.origin ?? wanted[0]?.origin
  throw refused(
    request,
    `it is of another image: only ${count(wanted)} of its ${wanted.length} modules are here; missing is ${example}`,
    trace.images[0]?.id,
  )
}

function refused(request: LearnRequest, reason: string, id?: string): PycdsError {
  const name = request.traces.map((one) => one.name).join(', ')
  return new PycdsError('TRACE_INVALID', {
    message: `trace ${name}: for image ${request.reference} ${reason}`,
    hint: `Record one from this image: pycds-image trace ${quote(request.reference)} -o FILE${id ? ` (this one is of ${id})` : ''}.`,
  })
}

/** What is different here from where the trace was made. */
function changesOf(
  request: LearnRequest,
  trace: Trace,
  modules: ModuleSelection['modules'],
  wanted: number,
): string[] {
  const before = new Map(trace.modules.map((module) => [module.name, module.sourceHash]))
  const changed = modules.filter(({ name, sourceHash }) => before.get(name) !== sourceHash.toString('hex'))
  const missing = wanted - modules.length
  const from = `of the trace ${request.traces.map(({ name }) => name).join(', ')}`
  return [
    ...(changed.length > 0
      ? [`${changed.length} modules ${from} have another source in this image, and were read from it`]
      : []),
    ...(missing > 0 ? [`${missing} modules ${from} are not in this image, and were left out`] : []),
  ]
}

/** What the trace had compiled, and opened, comes behind what the application did. */
function withCaches(python: PythonGroup, read: PythonGroup, trace: Trace): PythonGroup {
  const more = read.processes.map((process) => ({ ...process, modules: [], siteDirectories: [] }))
  return { ...python, processes: [...python.processes, ...withFiles(more, trace)] }
}

/** What is read ahead is what the application opened, not what the run that read the modules did. */
function withFiles(processes: readonly RunLogProcess[], { files }: Trace): RunLogProcess[] {
  return processes.map((process, index) => ({
    ...process,
    extensions: [],
    libraries: index === 0 ? files : [],
  }))
}

/** What a server loads is another build than the program that read the modules, which is all that this image ran. */
async function withPlugin(
  group: PythonGroup,
  { python: { library } }: Trace,
  image: Pick<Container, 'readFile'>,
  archiver: RunPorts['archiver'],
): Promise<PythonGroup> {
  if (library === undefined) return group
  for (const path of onEveryProcessor(library)) {
    const build = readBuild(await image.readFile(path), archiver)
    if (build === undefined || 'unsupported' in build) continue
    const { hexversion, version, identity } = build
    if (!compilesAlike(hexversion, group.python.hexversion)) continue
    const python = { ...group.python, library: path, identity: identity.hex, hexversion, version }
    return { ...group, python, isPlugin: true }
  }
  return group
}

/** The path, and what it is in images for other processors: a trace may come from one of those. */
function onEveryProcessor(path: string): string[] {
  const machines = ARCHITECTURES.map(({ machine }) => machine)
  const own = machines.find((machine) => path.includes(machine))
  const others = own === undefined ? [] : machines.map((machine) => path.replaceAll(own, machine))
  return [...new Set([path, ...others])]
}

/** The hook goes where the application's Pythons look, not only the one that read the modules. */
async function withDirectories(
  python: PythonGroup,
  trace: Trace,
  image: Pick<Container, 'stat'>,
): Promise<PythonGroup> {
  const existing: string[] = []
  for (const directory of trace.siteDirectories) if (await image.stat(directory)) existing.push(directory)
  const [first] = python.processes
  if (!first) return python
  const more = existing.map((directory) => ({ ...first, modules: [], siteDirectories: [directory] }))
  return { ...python, processes: withFiles([...python.processes, ...more], trace) }
}
