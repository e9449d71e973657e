// SPDX-License-Identifier: Apache-2.0
// Whether cost grows with what is imported, and with nothing else: packages of 100, 1,000 and 10,000 modules, and the
// first of them out of an archive that holds the second, too. Each lies in a directory of its own: Python lists the
// whole directory of a package at the first module that it imports from there by itself.
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { median } from '../../src/util/statistics.js'
import { drive, type Starter } from '../driver.js'
import { bake, environmentOf, makeBase, removeImage } from '../images.js'
import { type Package, timedProgram } from '../packages.js'
import { PYTHONS } from '../pythons.js'
import { mountImage, type Root } from '../roots.js'
import { ROOT, run } from '../shell.js'
import type { Part } from './part.js'

const SIZES = [100, 1000, 10_000]
const ROUNDS = 15
const PARENT = '/opt/synthetic'
const IMAGE = 'pycds-bench/synthetic:base'

export interface Growth {
  readonly python: string
  /** Modules imported, and modules in the archive. */
  readonly imported: number
  readonly archived: number
  readonly archiveBytes: number
  /** Milliseconds of the import phase, medians; of the processor. */
  readonly plainMs: number
  readonly plainCpuMs: number
  readonly pycdsMs: number
  readonly pycdsCpuMs: number
}

export const growth: Part = {
  name: 'growth',
  title: 'growth with the number of modules',
  async run({ folder, say }): Promise<Growth[]> {
    const [python] = PYTHONS
    if (!python) throw new Error('there is no Python to measure on')
    const base = await makeBase(python.images.web)
    await buildImage(base, python.executable, folder)
    const rows: Growth[] = []
    const images: string[] = []
    try {
      for (const trained of [...SIZES.map((size) => [size]), [100, 1000]]) {
        const tag = `pycds-bench/synthetic:${trained.join('-')}`
        images.push(tag)
        const { archiveBytes } = await bake(ROOT, IMAGE, tag, python, importing(...trained))
        const [imported = 0] = trained
        const archived = trained.reduce((sum, size) => sum + size)
        const row = await measure(tag, python.executable, imported, folder)
        rows.push({ python: python.id, imported, archived, archiveBytes, ...row })
        say(`growth: ${JSON.stringify(rows.at(-1))}`)
      }
    } finally {
      for (const image of [...images, IMAGE]) await removeImage(image)
    }
    return rows
  },
}

function importing(...sizes: number[]): Package {
  const lines = sizes.map((size) => `import synthetic_${size}.all`)
  return { name: `synthetic ${sizes.join(', ')}`, lines, image: 'web' }
}

async function measure(tag: string, executable: string, imported: number, folder: string) {
  const roots: Root[] = []
  const starter = async (image: string, name: string): Promise<Starter> => {
    const root = await mountImage(image, join(folder, name))
    roots.push(root)
    const env = {
      ...environmentOf(importing(imported)),
      PYTHONPATH: PARENT,
      PYCDS_ARCHIVE: '/opt/pycds/app.cds',
    }
    return { root: root.path, argv: [executable, '-c', timedProgram(importing(imported))], env }
  }
  try {
    const both = [await starter(IMAGE, 'plain'), await starter(tag, 'pycds')]
    await drive(both, 1, false)
    const starts = await drive(both, ROUNDS, false)
    const of = (index: number, what: 'phase' | 'phaseCpu') =>
      median(starts.filter((start) => start.starter === index).map((start) => start[what]))
    return {
      ...{ plainMs: of(0, 'phase'), plainCpuMs: of(0, 'phaseCpu') },
      ...{ pycdsMs: of(1, 'phase'), pycdsCpuMs: of(1, 'phaseCpu') },
    }
  } finally {
    for (const root of roots) await root.unmount()
  }
}

async function buildImage(base: string, executable: string, folder: string): Promise<void> {
  const context = join(folder, 'context')
  await rm(context, { recursive: true, force: true })
  for (const size of SIZES) {
    const target = join(context, 'packages', `synthetic_${size}`)
    await mkdir(target, { recursive: true })
    await writeFile(join(target, '__init__.py'), '')
    for (let index = 0; index < size; index++) {
      await writeFile(join(target, `m${index}.py`), syntheticModule(index))
    }
    const lines = Array.from({ length: size }, (_, index) => `import synthetic_${size}.m${index}`)
    await writeFile(join(target, 'all.py'), `${lines.join('\n')}\n`)
  }
  const lines = [
    `FROM ${base}`,
    `COPY packages ${PARENT}`,
    `ENV PYTHONPATH=${PARENT}`,
    `RUN ${executable} -m compileall -q ${PARENT}`,
  ]
  await writeFile(join(context, 'Dockerfile'), `${lines.join('\n')}\n`)
  await run('docker', ['build', '--quiet', '--network', 'none', '--tag', IMAGE, context])
}

/** Of usual size and content: a class, functions, constants, docstrings; no two alike. */
export function syntheticModule(index: number): string {
  const functions = Array.from({ length: 8 }, (_, n) =>
    [
      `def function_${index}_${n}(first, second=${n}, *rest, **named):`,
      `    """What function ${n} of module ${index} does."""`,
      `    total = first + second * ${index + n}`,
      '    for item in rest:',
      `        total += item if item > ${n} else LIMITS[${n % 4}]`,
      `    return {"total": total, "name": "module ${index}", "kind": named.get("kind", "plain_${n}")}`,
    ].join('\n'),
  )
  return [
    `"""Module ${index}."""`,
    `LIMITS = (${index}, ${index + 1}, ${index * 2}, ${index * 3})`,
    `NAMES = frozenset(["alpha_${index}", "beta", "gamma"])`,
    `class Thing${index}:`,
    '    """A thing."""',
    '    def __init__(self, value):',
    '        self.value = value',
    `    def method_${index}(self):`,
    `        return self.value + ${index}`,
    ...functions,
    '',
  ].join('\n')
}
