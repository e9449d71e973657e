// SPDX-License-Identifier: Apache-2.0
// The only file that loads the native addon, and the only one that knows where the native
// parts lie. Everything else uses the typed functions of this folder.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { PycdsError } from '../errors/index.js'
import { inPackage } from '../util/package-root.js'
import { addonFolders } from './addon.js'
import type { NativeBinding } from './native.js'
import { loadWasm } from './wasm.js'

/** What is put into images (the runtime; with a snapshot, what freezes it), or into training containers only. */
export type InjectedPart =
  | '_pycds.abi3.so'
  | 'pycds-tracer.so'
  | 'pycds-probe'
  | 'pycds-freeze.so'
  | 'pycds-watch.so'
  | 'pycds-start'
  | 'import.py'
  | 'compile.py'

/**
 * The native core for this machine: the addon, or what is left where none was made for it, as on macOS. INTERNAL when
 * the package holds neither.
 */
export function loadBinding(): NativeBinding {
  const load = createRequire(import.meta.url)
  const folders = process.platform === 'linux' ? addonFolders(process.arch, process.execPath) : []
  let failure: unknown
  for (const folder of folders) {
    try {
      return load(inPackage(`prebuilds/${folder}/pycds.node`)) as NativeBinding
    } catch (cause) {
      // Why the likeliest one cannot be loaded says most.
      failure ??= cause
    }
  }
  try {
    return loadWasm(inPackage('prebuilds/wasm/pycds.wasm'))
  } catch (cause) {
    throw missing(nativeFile(process.arch, 'pycds.node'), failure ?? cause)
  }
}

/**
 * The bytes of a part that is put into images.
 * @param arch Node's name of the image's architecture, such as `x64`.
 */
export function readInjected(arch: string, name: InjectedPart): Buffer {
  const path = nativeFile(arch, name)
  try {
    return readFileSync(path)
  } catch (cause) {
    throw missing(path, cause)
  }
}

/** Where a native part lies; it may be missing. */
export function nativeFile(arch: string, name: string): string {
  return inPackage(`prebuilds/linux-${arch}/${name}`)
}

function missing(path: string, cause: unknown): PycdsError {
  const [directory = '', name] = path.split('/').slice(-2)
  // A checkout builds the parts for another processor only where a compiler for it is installed.
  if (directory !== `linux-${process.arch}`) {
    const compiler = directory === 'linux-arm64' ? 'gcc-aarch64-linux-gnu' : 'gcc-x86-64-linux-gnu'
    return new PycdsError('PYTHON_UNSUPPORTED', {
      message: `native part ${directory}/${name}: this installation has none for that architecture`,
      hint: `Install a release; in a checkout install ${compiler} and run \`npm run build:native\`.`,
      cause,
    })
  }
  return new PycdsError('INTERNAL', {
    message: `native part ${directory}/${name}: cannot be loaded`,
    hint: 'Reinstall pycds-image; in a checkout run `npm run build:native`.',
    cause,
  })
}
