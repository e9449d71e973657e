// SPDX-License-Identifier: Apache-2.0
import { PycdsError } from '../../errors/index.js'
import type { Artifact } from '../../layer/artifact.js'
import type { PythonGroup } from '../../learn/select/interpreter.js'
import type { ModuleSelection } from '../../learn/select/modules.js'
import { during, type Progress } from '../../log/index.js'
import type { Container, Engine, Validate } from '../../ports/index.js'
import { earlierBytecode } from '../baked.js'
import { type Bytecode, type CompileSpec, compileBytecode } from './compile.js'
import { touchedPackages } from './touched.js'

/** What is added where nothing is to be. */
export const NO_BYTECODE: Bytecode = { files: [], packages: 0, failed: 0 }

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

export interface AddBytecodeInput extends Pick<CompileSpec, 'image' | 'folder'> {
  /** The files of the image as they are before any run. */
  files: Pick<Container, 'readFile'>
  python: PythonGroup
  selection: ModuleSelection
  request: { pyc: Pyc; validate: Validate; limits: { timeoutMs: number } }
}

/**
 * Compiles what the archive does not serve. An image whose interpreter cannot compile is still baked:
 * its modules are imported as they were before.
 */
export async function addBytecode(
  { python, selection, request, files: image, ...place }: AddBytecodeInput,
  ports: { engine: Engine; progress: Progress; signal: AbortSignal },
): Promise<Bytecode> {
  if (request.pyc === 'off') return NO_BYTECODE
  try {
    return await during(ports.progress, ['bytecode', 'Fill in missing bytecode'], async (step) => {
      const bytecode = await compileBytecode(ports.engine, {
        ...place,
        python: python.python,
        roots: touchedPackages(python),
        earlier: await earlierBytecode(image),
        skip: selection.modules.map((module) => module.origin),
        onlyWithout: request.pyc === 'auto',
        validate: request.validate,
        timeoutMs: request.limits.timeoutMs,
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

/** What was added, as results tell it. */
export function describeBytecode(mode: Pyc, { files, packages, failed }: Bytecode): BytecodeSummary {
  const bytes = files.reduce((sum, file) => sum + file.body.length, 0)
  return { mode, files: files.length, packages, failed, bytes }
}

/** What was added, as what a layer holds. */
export function toArtifact({ files }: Bytecode): Artifact {
  return { kind: 'bytecode', files: () => files, environment: {}, labels: {} }
}
