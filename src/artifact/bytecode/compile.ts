// SPDX-License-Identifier: Apache-2.0
// Has the image's own interpreter compile bytecode files, in a container without a network that is thrown away.
import { PycdsError } from '../../errors/index.js'
import type { PythonGroup } from '../../learn/select/interpreter.js'
import { ARTIFACT_VARIABLES } from '../../marks/marks.js'
import type { Container, Engine, LayerFile, Validate } from '../../ports/index.js'
import { COMPILE_SCRIPT } from './script.js'
import type { SourceRoot } from './touched.js'

const FOLDER = '/.pycds-bytecode'
const EPOCH = new Date(0)
/** What decides how sources are compiled must be the same wherever the bake runs, and not the application's. */
const ENVIRONMENT = { PYTHONHASHSEED: '0' }
const UNSET = [
  'PYTHONPATH',
  'PYTHONOPTIMIZE',
  'PYTHONWARNINGS',
  'PYTHONSTARTUP',
  ...ARTIFACT_VARIABLES,
  'PYCDS',
]

/** How a bytecode file is checked against its source, by what was asked for archived modules: see docs/decisions. */
const VALIDATION = { stat: 'timestamp', hash: 'checked-hash', none: 'unchecked-hash' } as const

export interface CompileSpec {
  image: string
  /** Where the files of the run lie; default: a directory below the root. */
  folder?: string
  python: Pick<PythonGroup['python'], 'executable' | 'optimize'>
  roots: readonly SourceRoot[]
  /** Further modules, found by name as the interpreter finds them. */
  names?: readonly string[]
  /** Bytecode that an earlier bake added, and that goes with its layer: absolute paths. */
  earlier: readonly string[]
  /** Sources that need none. */
  skip: readonly string[]
  /** Leave out packages that have usable bytecode of any of their modules. */
  onlyWithout: boolean
  validate: Validate
  timeoutMs: number
  signal: AbortSignal
}

/** Bytecode files that an image does not have. */
export interface Bytecode {
  files: LayerFile[]
  /** Packages, or modules that stand alone, that got any. */
  packages: number
  /** Sources that do not compile. */
  failed: number
}

/** Compiles what is missing. The same image gives the same bytes. */
export async function compileBytecode(engine: Engine, spec: CompileSpec): Promise<Bytecode> {
  const { python, folder = FOLDER } = spec
  const owner = { uid: 0, gid: 0, mtime: EPOCH }
  const request = {
    roots: spec.roots,
    names: spec.names ?? [],
    skip: spec.skip,
    earlier: spec.earlier,
    onlyWithout: spec.onlyWithout,
    validation: VALIDATION[spec.validate],
  }
  const container = await engine.create({
    image: spec.image,
    command: [
      // -S: nothing of the application's environment takes part; not -I, which would ignore the hash seed.
      ...[python.executable, '-S', '-s', '-B', '-Wignore', '-X', 'utf8'],
      ...(python.optimize > 0 ? [`-${'O'.repeat(python.optimize)}`] : []),
      `${folder}/compile.py`,
    ],
    env: ENVIRONMENT,
    unsetEnv: UNSET,
    network: 'none',
    // Sources that only their owner may read are compiled as well; they were found in the image as it is.
    user: '0',
    files: [
      { ...owner, name: folder.slice(1), type: 'directory', mode: 0o755 },
      { ...owner, name: `${folder.slice(1)}/out`, type: 'directory', mode: 0o755 },
      ...Object.entries({ 'compile.py': COMPILE_SCRIPT, request: JSON.stringify(request) }).map(
        ([name, text]) =>
          ({
            ...owner,
            name: `${folder.slice(1)}/${name}`,
            type: 'file',
            mode: 0o444,
            body: Buffer.from(text),
          }) as const,
      ),
    ],
  })
  try {
    await runToEnd(container, spec)
    return read(await container.readTree(`${folder}/out`))
  } finally {
    await engine.remove(container)
  }
}

async function runToEnd(container: Container, { timeoutMs, signal, python }: CompileSpec): Promise<void> {
  let said = ''
  await container.start((_stream, chunk) => {
    said = `${said}${chunk}`.slice(-2000)
  })
  const cancel = new AbortController()
  const limit = new Promise<'late'>((resolve) => {
    const timer = setTimeout(resolve, timeoutMs, 'late')
    for (const one of [signal, cancel.signal]) {
      one.addEventListener('abort', () => {
        clearTimeout(timer)
        resolve('late')
      })
    }
  })
  const ended = await Promise.race([container.wait(), limit])
  cancel.abort()
  signal.throwIfAborted()
  if (ended !== 'late' && ended.exitCode === 0) return
  const reason =
    ended === 'late' ? `it took longer than ${timeoutMs / 1000} s` : said.trim().split('\n').at(-1)
  throw new PycdsError('TRAINING_FAILED', {
    message: `compiling bytecode with ${python.executable}: ${reason || 'it failed without a word'}`,
    hint: 'Bake without it: --pyc off.',
  })
}

function read(tree: ReadonlyMap<string, Buffer>): Bytecode {
  const index = JSON.parse(tree.get('index')?.toString() ?? '{"files":[],"packages":0,"failed":0}') as Omit<
    Bytecode,
    'files'
  > & { files: (Omit<LayerFile, 'body'> & { body: string })[] }
  return {
    ...index,
    files: index.files.map((file) => ({ ...file, body: tree.get(file.body) ?? Buffer.alloc(0) })),
  }
}
