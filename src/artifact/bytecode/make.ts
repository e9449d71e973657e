// SPDX-License-Identifier: Apache-2.0
import { PycdsError } from '../../errors/index.js'
import type { PythonGroup } from '../../learn/select/interpreter.js'
import type { ModuleSelection } from '../../learn/select/modules.js'
import { during, type Progress } from '../../log/index.js'
import type { Container, Engine, Validate } from '../../ports/index.js'
import type { MadeArtifact } from '../kind/artifact.js'
import { earlierBytecode } from '../kind/baked.js'
import type { Manifest } from '../kind/manifest.js'
import { type Bytecode, type CompileSpec, compileBytecode } from './compile.js'
import { touchedPackages } from './touched.js'

/** What is added where nothing is to be. */
const NO_BYTECODE: Bytecode = { files: [], packages: 0, failed: 0 }

/** For which of the packages that training touched missing bytecode is filled in. */
export type Pyc = 'auto' | 'off' | 'all'

/** What was added, as results tell it. */
export interface BytecodeSummary {
  mode: Pyc
  files: number
  packages: number
  failed: number
  bytes: number
}

export type BytecodeArtifact = MadeArtifact<BytecodeSummary, Pick<Manifest, 'bytecode'>>

export interface BytecodeInput {
  /** The files of the image as they are before any run. */
  image: Pick<Container, 'readFile'>
  python: PythonGroup
  selection: ModuleSelection
  validate: Validate
  pyc: Pyc
  /** How the image's interpreter is run; undefined: it cannot be, so nothing is compiled. */
  run: (Pick<CompileSpec, 'image' | 'folder' | 'timeoutMs'> & Partial<Pick<CompileSpec, 'skip'>>) | undefined
}

export interface BytecodePorts {
  engine: Engine
  progress: Progress
  signal: AbortSignal
}

/**
 * Compiles what the archive does not serve. An image whose interpreter cannot compile is still baked:
 * its modules are imported as they were before.
 */
export async function makeBytecode(input: BytecodeInput, ports: BytecodePorts): Promise<BytecodeArtifact> {
  const { files, packages, failed } = await addBytecode(input, ports)
  const bytes = files.reduce((sum, file) => sum + file.body.length, 0)
  return {
    kind: 'bytecode',
    files: () => files,
    environment: () => ({}),
    labels: {},
    noted: { bytecode: { paths: files.map((file) => file.path) } },
    summary: () => ({ mode: input.pyc, files: files.length, packages, failed, bytes }),
  }
}

async function addBytecode(input: BytecodeInput, ports: BytecodePorts): Promise<Bytecode> {
  const { run, python, selection, image, pyc, validate } = input
  if (pyc === 'off' || run === undefined) return NO_BYTECODE
  try {
    return await during(ports.progress, ['bytecode', 'Fill in missing bytecode'], async (step) => {
      const bytecode = await compileBytecode(ports.engine, {
        ...run,
        python: python.python,
        roots: touchedPackages(python),
        earlier: await earlierBytecode(image),
        skip: [...(run.skip ?? []), ...selection.modules.map((module) => module.origin)],
        onlyWithout: pyc === 'auto',
        validate,
        signal: ports.signal,
      })
      const { files, packages } = bytecode
      step.done(files.length === 0 ? 'nothing is missing' : `${files.length} files of ${packages} packages`)
      return bytecode
    })
  } catch (error) {
    if (!(error instanceof PycdsError) || error.code !== 'TRAINING_FAILED') throw error
    ports.progress.warn(`${error.message}; its bytecode was not filled in`)
    return NO_BYTECODE
  }
}
