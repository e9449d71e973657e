// SPDX-License-Identifier: Apache-2.0
// What a run of one platform's image teaches about the image of another, which cannot be run here. Code compiled from
// the same source is the same on every processor that there is a runtime for; no program of the other image is run.
import { PycdsError } from '../../errors/index.js'
import type { Container, ModuleCode, RunPorts, SourceImage } from '../../ports/index.js'
import { withContainer } from '../../ports/with-container.js'
import { by } from '../../util/order.js'
import type { Learned, LearnInput, LearnRequest } from '../learn.js'
import { readCode } from '../read-code.js'
import type { RunLogProcess } from '../runlog/run-log.js'
import { findForeignPython, translatePath } from './python.js'

/** A run that another image learns from. */
export interface Lesson {
  source: SourceImage
  input: Pick<LearnInput, 'spec' | 'scripts'>
  learned: Learned
}

/** The image that cannot be run. */
export interface Pupil {
  source: SourceImage
  image: Pick<Container, 'stat' | 'readFile'>
}

interface Sorted {
  /** By name. */
  same: Map<string, ModuleCode>
  changed: { module: ModuleCode; source: Buffer; at: Pick<ModuleCode, 'mtime' | 'size'> }[]
  missing: string[]
}

export async function transfer(
  request: LearnRequest,
  lesson: Lesson,
  { source: to, image }: Pupil,
  ports: RunPorts,
): Promise<Learned> {
  const { source: from, learned } = lesson
  const python = await findForeignPython({ from, python: learned.python.python, to, image }, ports.archiver)
  const { same, changed, missing } = await withContainer(ports.engine, from.id, (own) =>
    sort(learned.selection.modules, own, image),
  )
  const compiled = await compile(request, lesson, changed, ports)
  const modules = learned.selection.modules.flatMap(({ name }) => same.get(name) ?? compiled.get(name) ?? [])
  assertSameApplication(request, lesson, modules.length)
  const failed = changed.filter(({ module }) => !compiled.has(module.name)).map(({ module }) => module.name)
  const because = (names: readonly string[], reason: string) => names.map((name) => ({ name, reason }))
  const leftOut = [
    ...learned.selection.leftOut,
    ...because(missing, `only the image for ${from.architecture} has it`),
    ...because(failed, 'its source cannot be compiled'),
  ].sort(by('name'))
  const processes = await Promise.all(
    learned.python.processes.map((process) => translate(process, from, to, image)),
  )
  return {
    python: { python, processes, modules: modules.length },
    selection: { modules, leftOut },
    training: learned.training,
    start: undefined,
    warnings: warningsOf(from, compiled.size, missing.length + failed.length),
  }
}

async function sort(
  modules: readonly ModuleCode[],
  own: Pick<Container, 'readFile'>,
  other: Pupil['image'],
): Promise<Sorted> {
  const sorted: Sorted = { same: new Map(), changed: [], missing: [] }
  for (const module of modules) {
    const [stat, there] = [await other.stat(module.origin), await other.readFile(module.origin)]
    if (!stat || !there) {
      sorted.missing.push(module.name)
      continue
    }
    const at = { mtime: Math.floor(Date.parse(stat.mtime) / 1000), size: there.length }
    const here = await own.readFile(module.origin)
    if (here?.equals(there)) sorted.same.set(module.name, { ...module, ...at })
    else sorted.changed.push({ module, source: there, at })
  }
  return sorted
}

/** Sources that are other ones there are compiled by the Python that runs here, of the same minor version. */
async function compile(
  request: LearnRequest,
  { input, learned }: Lesson,
  changed: Sorted['changed'],
  ports: RunPorts,
): Promise<Map<string, ModuleCode>> {
  if (changed.length === 0) return new Map()
  const { launcher, optimize } = learned.python.python
  const read = await readCode(
    {
      title: `Compile ${changed.length} modules whose source differs`,
      python: { executable: launcher, optimize },
      list: {
        modules: changed.map(({ module, source }) => ({ ...module, source })),
        regexes: [],
        sources: [],
      },
      limits: request.limits,
    },
    input,
    ports,
  )
  const found = new Map(
    read.processes.flatMap(({ modules }) => modules.map((module) => [module.name, module])),
  )
  return new Map(
    changed.flatMap(({ module, at }) => {
      const code = found.get(module.name)
      if (!code) return []
      const { marshal, seeds, sourceHash } = code
      return [[module.name, { ...module, ...at, marshal, seeds, sourceHash }] as const]
    }),
  )
}

/** What a process of that image would have used beside its modules, as far as the image has it. */
async function translate(
  process: RunLogProcess,
  from: SourceImage,
  to: SourceImage,
  image: Pick<Container, 'stat'>,
): Promise<RunLogProcess> {
  const translated = (paths: readonly string[]) => paths.map((one) => translatePath(one, from, to))
  const existing = async (paths: readonly string[]) => {
    const found: string[] = []
    for (const path of translated(paths)) if (await image.stat(path)) found.push(path)
    return found
  }
  const directories = process.siteDirectories ?? []
  const there = await existing(directories)
  // The hook makes the first one where there is none, but no virtual environment.
  const [prefix] = await existing(process.prefix === null ? [] : [process.prefix])
  const first = prefix === undefined ? [] : translated(directories.slice(0, 1))
  const files = [...process.extensions.map(({ path }) => path), ...(process.libraries ?? [])]
  return {
    ...process,
    modules: [],
    extensions: [],
    libraries: await existing(files),
    siteDirectories: there.length > 0 ? there : first,
  }
}

function assertSameApplication(request: LearnRequest, { source, learned }: Lesson, found: number): void {
  const wanted = learned.selection.modules.length
  if (found * 2 >= wanted && found > 0) return
  throw new PycdsError('TRACE_INVALID', {
    message: `image ${request.reference}: only ${found} of the ${wanted} modules of its ${source.architecture} image are in it`,
    hint: 'The images of the index are of different applications: bake this platform where it can be run.',
  })
}

function warningsOf(from: SourceImage, compiled: number, leftOut: number): string[] {
  const run = `of the run for ${from.os}/${from.architecture}`
  return [
    ...(compiled > 0
      ? [`${compiled} modules ${run} have another source in this image, and were compiled from it`]
      : []),
    ...(leftOut > 0 ? [`${leftOut} modules ${run} are not in this image, and were left out`] : []),
  ]
}
