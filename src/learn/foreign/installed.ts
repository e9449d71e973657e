// SPDX-License-Identifier: Apache-2.0
// The Python that an image starts, and where a hook for it goes, as files tell: nothing is run.
import { posix } from 'node:path'
import { PycdsError } from '../../errors/index.js'
import type { Archiver, Container, ElfIdentity } from '../../ports/index.js'
import { MAX_LINKS } from '../../util/links.js'
import { readBuild } from '../build.js'
import { findPython, type PythonSurroundings } from '../find-python.js'

const PROGRAM = /^python(\d+\.\d+)/

export interface InstalledPython {
  /** As the image starts it. */
  executable: string
  /** The file that holds the interpreter: libpython, or the executable itself. */
  library: string
  version: string
  identity: ElfIdentity
  /** The first that `site` reads. */
  siteDirectory: string
}

type Files = Pick<Container, 'stat' | 'lstat' | 'readFile'>

/**
 * Finds it.
 * @param subject the image or the directory, as messages name it
 * @throws NO_PYTHON, or PYTHON_UNSUPPORTED when no archive could be made for it, or no hook would run
 */
export async function findInstalled(
  subject: string,
  files: Files,
  surroundings: PythonSurroundings,
  archiver: Pick<Archiver, 'identify' | 'supportedVersions'>,
): Promise<InstalledPython> {
  const { executable } = await findPython(subject, files, surroundings)
  const program = await follow(files, executable)
  const prefix = posix.dirname(posix.dirname(program))
  const minor = PROGRAM.exec(posix.basename(program))?.[1]
  const refuse = (file: string, reason: string) => unsupported(subject, file, reason, archiver)
  if (minor === undefined) throw refuse(program, 'its name does not tell which version it is')
  const candidates = [
    ...[`${prefix}/lib`, `${prefix}/lib64`].map((folder) => `${folder}/libpython${minor}.so.1.0`),
    program,
  ]
  for (const candidate of candidates) {
    const build = readBuild(await files.readFile(candidate), archiver)
    if (!build) continue
    if ('unsupported' in build) throw refuse(candidate, build.unsupported)
    if (!archiver.supportedVersions().includes(minor) || !build.version.startsWith(`${minor}.`))
      throw refuse(candidate, `CPython ${build.version} is not supported`)
    const siteDirectory = await findSite(files, executable, prefix, minor)
    if (siteDirectory === undefined) throw refuse(executable, 'it has no site directory for the hook')
    const { version, identity } = build
    return { executable, library: candidate, version, identity, siteDirectory }
  }
  throw refuse(program, 'it is not a CPython that is served (PyPy, or another libpython than beside it)')
}

/** The path without symlinks at its end. */
async function follow(files: Files, path: string): Promise<string> {
  let at = path
  for (let links = 0; links < MAX_LINKS; links++) {
    const found = await files.lstat(at)
    if (found?.type !== 'symlink' || found.linkname === undefined) return at
    at = posix.resolve(posix.dirname(at), found.linkname)
  }
  return at
}

/** Of a virtual environment the own one; else as Debian has them, then as everybody else. */
async function findSite(
  files: Files,
  executable: string,
  prefix: string,
  minor: string,
): Promise<string | undefined> {
  const environment = posix.dirname(posix.dirname(executable))
  const isVirtual = (await files.stat(`${environment}/pyvenv.cfg`)) !== undefined
  const candidates = isVirtual
    ? [`${environment}/lib/python${minor}/site-packages`]
    : [
        `${prefix}/local/lib/python${minor}/dist-packages`,
        `${prefix}/lib/python3/dist-packages`,
        `${prefix}/lib/python${minor}/site-packages`,
        `${prefix}/lib64/python${minor}/site-packages`,
      ]
  for (const candidate of candidates) if (await files.stat(candidate)) return candidate
  return undefined
}

function unsupported(
  subject: string,
  file: string,
  reason: string,
  archiver: Pick<Archiver, 'supportedVersions'>,
): PycdsError {
  const versions = archiver.supportedVersions()
  return new PycdsError('PYTHON_UNSUPPORTED', {
    message: `${subject}: ${file}: ${reason}`,
    hint: `Use CPython ${versions.at(0)} to ${versions.at(-1)} as it is released, with a site directory.`,
  })
}
