// SPDX-License-Identifier: Apache-2.0
// The Python of an image that cannot be run here, as its files tell: where it is, which build, and which version.
import { PycdsError } from '../../errors/index.js'
import { findArchitecture } from '../../image/index.js'
import type { Archiver, Container, SourceImage } from '../../ports/index.js'
import { compilesAlike, readBuild } from '../build.js'
import type { RunLogPython } from '../runlog/run-log.js'

/** The same path in an image for another processor. */
export function translatePath(path: string, from: SourceImage, to: SourceImage): string {
  const [old, next] = [findArchitecture(from.architecture), findArchitecture(to.architecture)]
  return old === undefined || next === undefined ? path : path.replaceAll(old.machine, next.machine)
}

export interface ForeignInput {
  /** The image that ran, and its Python. */
  from: SourceImage
  python: RunLogPython
  /** The image that cannot be run. */
  to: SourceImage
  image: Pick<Container, 'readFile'>
}

/**
 * Finds in another image the Python that ran in the first.
 * @throws PYTHON_UNSUPPORTED when it is not there, or not of the same minor version.
 */
export async function findForeignPython(
  { from, python, to, image }: ForeignInput,
  archiver: Archiver,
): Promise<RunLogPython> {
  const executable = translatePath(python.executable, from, to)
  const library = translatePath(python.library, from, to)
  const build = readBuild(await image.readFile(library), archiver)
  if (!build) throw refused(to, library, `there is no Python in it, as there is for ${from.architecture}`)
  if (build.identity.machine !== findArchitecture(to.architecture)?.elf)
    throw refused(to, library, `it is for another processor than ${to.architecture}`)
  if ('unsupported' in build) throw refused(to, library, build.unsupported)
  const { identity, hexversion, version } = build
  if (!compilesAlike(hexversion, python.hexversion))
    throw refused(
      to,
      library,
      `it is CPython ${version}, and for ${from.architecture} it is ${python.version}`,
    )
  const launcher = translatePath(python.launcher, from, to)
  return { ...python, executable, launcher, library, version, hexversion, identity: identity.hex }
}

function refused(to: SourceImage, library: string, reason: string): PycdsError {
  return new PycdsError('PYTHON_UNSUPPORTED', {
    message: `image ${to.reference}: ${library}: ${reason}`,
    hint: 'Bake this platform on a machine that can run it, or with an emulator for it (binfmt_misc, qemu-user-static).',
  })
}
