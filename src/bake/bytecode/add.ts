// SPDX-License-Identifier: Apache-2.0
import { PycdsError } from '../../errors/index.js'
import type { Progress } from '../../log/index.js'
import type { Validate } from '../archiver.js'
import type { PythonGroup } from '../interpreter.js'
import type { ModuleSelection } from '../modules.js'
import type { Engine } from '../ports.js'
import type { BakeResult } from '../result.js'
import { type Bytecode, type CompileSpec, compileBytecode } from './compile.js'
import { touchedPackages } from './touched.js'

/** For which of the packages that training touched missing bytecode is filled in. */
export type Pyc = 'auto' | 'off' | 'all'

export interface AddBytecodeInput extends Pick<CompileSpec, 'image' | 'folder'> {
  python: PythonGroup
  selection: ModuleSelection
  request: { pyc: Pyc; validate: Validate; timeoutMs: number }
}

/**
 * Compiles what the archive does not serve. An image whose interpreter cannot compile is still baked:
 * its modules are imported as they were before.
 */
export async function addBytecode(
  { python, selection, request, ...place }: AddBytecodeInput,
  ports: { engine: Engine; progress: Progress; signal: AbortSignal },
): Promise<Bytecode> {
  const none = { files: [], packages: 0, failed: 0 }
  if (request.pyc === 'off') return none
  const step = ports.progress.step('bytecode', 'Fill in missing bytecode')
  try {
    const bytecode = await compileBytecode(ports.engine, {
      ...{ ...place, python: python.python, roots: touchedPackages(python) },
      skip: selection.modules.map((module) => module.origin),
      onlyWithout: request.pyc === 'auto',
      ...{ validate: request.validate, timeoutMs: request.timeoutMs, signal: ports.signal },
    })
    const { files, packages } = bytecode
    step.done(files.length === 0 ? 'nothing is missing' : `${files.length} files of ${packages} packages`)
    return bytecode
  } catch (error) {
    step.fail('failed')
    if (!(error instanceof PycdsError) || error.code !== 'TRAINING_FAILED') throw error
    ports.progress.warn(`${error.message}; its bytecode was not filled in`)
    return none
  }
}

/** What was added, as results tell it. */
export function describeBytecode(mode: Pyc, { files, packages, failed }: Bytecode): BakeResult['bytecode'] {
  return {
    ...{ mode, files: files.length, packages, failed },
    bytes: files.reduce((sum, file) => sum + file.body.length, 0),
  }
}
