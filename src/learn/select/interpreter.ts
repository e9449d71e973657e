// SPDX-License-Identifier: Apache-2.0
// Which of the Pythons that a training run started the archive is for, and whether it can be served.
import { PycdsError } from '../../errors/index.js'
import { describeUnseen, hintFor, type Training } from '../run/index.js'
import type { RunLogProcess, RunLogPython } from '../runlog/run-log.js'

/**
 * All processes of one training run that ran the same build of the same interpreter, at the same level of
 * optimisation: its code differs.
 */
export interface PythonGroup {
  python: RunLogPython
  processes: RunLogProcess[]
  /** Distinct modules executed from source files. */
  modules: number
  /** A server has loaded it: what is told as its executable is another program, which compiles alike. */
  isPlugin?: true
}

/** Groups the processes by interpreter; the one that imported most comes first. */
export function groupByPython(processes: readonly RunLogProcess[]): PythonGroup[] {
  const groups = new Map<string, RunLogProcess[]>()
  for (const process of processes) {
    const { library, identity, optimize } = process.python
    const key = `${library}\0${identity}\0${optimize}`
    groups.set(key, [...(groups.get(key) ?? []), process])
  }
  return [...groups.values()]
    .map((members) => ({
      python: first(members).python,
      processes: members,
      modules: new Set(members.flatMap((process) => process.modules.map((module) => module.name))).size,
    }))
    .sort((a, b) => b.modules - a.modules)
}

/**
 * The interpreter that the archive is made for.
 * @throws NO_PYTHON when none was started, PYTHON_UNSUPPORTED when the one that was cannot be served.
 */
export function choosePython(image: string, training: Training, supported: readonly string[]): PythonGroup {
  const [chosen] = groupByPython(training.processes)
  if (!chosen) throw nothingTraced(image, training)
  const refusal = refuse(chosen, supported)
  if (refusal) {
    throw new PycdsError('PYTHON_UNSUPPORTED', {
      message: `image ${image}: ${chosen.python.executable}: ${refusal.reason}`,
      hint: refusal.hint,
    })
  }
  return chosen
}

function refuse({ python, processes }: PythonGroup, supported: readonly string[]) {
  const versions = `Supported are CPython ${supported.join(', ')}, release builds with the GIL.`
  const minor = python.version.split('.').slice(0, 2).join('.')
  if (python.implementation !== 'cpython') {
    return { reason: `it is ${python.implementation}, not CPython`, hint: versions }
  }
  if (python.freeThreaded) return { reason: 'it is a free-threaded build', hint: versions }
  if (python.debug) return { reason: 'it is a debug build', hint: versions }
  if (!supported.includes(minor))
    return { reason: `CPython ${python.version} is not supported`, hint: versions }
  if (processes.every((process) => process.noSite)) {
    return {
      reason: 'it is started with -S, which keeps the hook from running',
      hint: 'Start Python without -S; -I and -E are fine.',
    }
  }
  if (processes.every((process) => process.noDebugRanges)) {
    return {
      reason: 'it runs with no_debug_ranges, for which code cannot be archived',
      hint: 'Remove PYTHONNODEBUGRANGES or -X no_debug_ranges.',
    }
  }
  return undefined
}

function nothingTraced(image: string, training: Training): PycdsError {
  const [other] = training.others
  if (other !== undefined) {
    return new PycdsError('PYTHON_UNSUPPORTED', {
      message: `image ${image}: ${other}: it is not a CPython that can be traced (PyPy, or CPython before 3.8)`,
      hint: 'Base the image on a current CPython.',
    })
  }
  const [unseen] = training.unseen
  if (unseen?.hiding === 'frozen') {
    return new PycdsError('PYTHON_UNSUPPORTED', {
      message: `image ${image}: ${describeUnseen(unseen)}`,
      hint: hintFor(unseen),
    })
  }
  const [withoutSite] = training.withoutSite
  if (withoutSite !== undefined) {
    return new PycdsError('PYTHON_UNSUPPORTED', {
      message: `image ${image}: ${describeWithoutSite(withoutSite)}`,
      hint: hintFor({ program: withoutSite, hiding: 'frozen' }),
    })
  }
  if (unseen !== undefined) {
    return new PycdsError('NO_PYTHON', {
      message: `image ${image}: nothing was seen of its Python: ${describeUnseen(unseen)}`,
      hint: hintFor(unseen),
    })
  }
  if (training.exitCode !== null && training.exitCode !== 0) {
    return new PycdsError('TRAINING_FAILED', {
      message: `image ${image}: its command ended with exit code ${training.exitCode} before any Python started`,
      hint: 'Look at its output with --app-output show, or give a command that works after `--`.',
    })
  }
  return new PycdsError('NO_PYTHON', {
    message: `image ${image}: its command started no Python that could be seen`,
    hint: 'Give the command that starts Python after `--`, for example `-- python3 -m app`.',
  })
}

/** Why nothing is learned of a program, nor served in it. */
export function describeWithoutSite(program: string): string {
  return `${program} starts Python without its site module, as applications frozen by Nuitka, cx_Freeze or PyInstaller do: no hook runs in it`
}

function first<T>(items: readonly T[]): T {
  const [item] = items
  if (item === undefined) throw new Error('an empty group cannot exist')
  return item
}
