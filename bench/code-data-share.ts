// SPDX-License-Identifier: Apache-2.0
// The peer, used as its README says: install, list, dump, run. Its archive lies in the writable layer, which
// spares it the copy that it otherwise causes in every fresh container.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Package, plainProgram } from './packages.js'
import type { Python } from './pythons.js'
import type { Root } from './roots.js'
import { ROOT, run } from './shell.js'

const VERSION = '0.1.0'
const LIST = '/opt/cds/mod.lst'
const ARCHIVE = '/opt/cds/mod.img'

/** Why it cannot take part; undefined when it can. */
export function refusesPython(python: Python): string | undefined {
  return python.minor > 12
    ? `code-data-share ${VERSION} has no build for CPython 3.${python.minor}`
    : undefined
}

/** Installs it, makes its archive, and returns the variables that make Python use it. */
export async function prepareCodeDataShare(
  root: Root,
  python: Python,
  one: Package,
  env: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const wheel = await download(python)
  await mkdir(join(root.path, 'opt/cds'), { recursive: true })
  await mkdir(join(root.path, python.site), { recursive: true })
  await run('python3', ['-m', 'zipfile', '-e', wheel, join(root.path, python.site)])
  const inside = (code: string, more: Record<string, string>) =>
    run('chroot', [
      ...[root.path, '/usr/bin/env', '-i'],
      ...Object.entries({ ...env, ...more }).map(([name, value]) => `${name}=${value}`),
      ...[python.executable, '-c', code],
    ])
  await inside(`import compileall; compileall.compile_dir('${python.site}/cds', quiet=1)`, {})
  await inside(plainProgram(one), { PYCDSMODE: 'TRACE', PYCDSLIST: LIST })
  await inside(`import cds.dump; cds.dump.run_dump("${LIST}", "${ARCHIVE}")`, {})
  return { PYCDSMODE: 'SHARE', PYCDSARCHIVE: ARCHIVE }
}

async function download(python: Python): Promise<string> {
  const folder = join(ROOT, 'bench/build/wheels')
  await run('python3', [
    ...['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--dest', folder],
    ...['--python-version', `3.${python.minor}`, `code-data-share==${VERSION}`],
  ])
  const abi = `cp3${python.minor}`
  const files = (await run('ls', [folder])).split('\n')
  const file = files.find((name) => name.startsWith('code_data_share-') && name.includes(`-${abi}-`))
  if (file === undefined) throw new Error(`pip left no wheel of code-data-share for ${abi} in ${folder}`)
  return join(folder, file)
}
