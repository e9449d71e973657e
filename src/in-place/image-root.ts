// SPDX-License-Identifier: Apache-2.0
// The root file system of this process, as a bake in place uses it.
import { createHash } from 'node:crypto'
import { accessSync, constants, lstatSync, readdirSync, statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ImageRoot, LayerFile, PathChange, Undone, WriteOptions } from '../ports/index.js'
import { originalEnvironment } from './environment.js'
import { machineSign } from './machine.js'
import { OwnFiles } from './own-files.js'
import { makePlace } from './place.js'
import { isAlone } from './processes.js'
import { Snapshot } from './snapshot.js'
import { undoChanges } from './undo.js'
import { realDirectory, writeFiles } from './write.js'

const FINGERPRINT_DIGITS = 32

export class CurrentRoot implements ImageRoot {
  readonly environment = originalEnvironment(process.env)
  readonly directory = process.cwd()
  #before: Snapshot | undefined
  #place: string | undefined
  #own = new OwnFiles()

  makePlace(): string {
    this.#place = makePlace(this.environment.TMPDIR)
    return this.#place
  }

  wholeMachine(): string | undefined {
    return machineSign()
  }

  async remember(signal: AbortSignal): Promise<void> {
    this.#before = await Snapshot.take('/', signal)
  }

  async changes(): Promise<PathChange[]> {
    const changes = (await this.#before?.changes()) ?? []
    return changes.filter(({ path }) => !isWithin(path, this.#place))
  }

  isNew(path: string): boolean {
    return this.#before?.isNew(path) ?? false
  }

  async undo(): Promise<Undone> {
    if (this.#place !== undefined) await rm(this.#place, { recursive: true, force: true })
    this.#own.takeBack()
    const own = this.#own
    this.#own = new OwnFiles()
    const changes = await this.changes()
    // Where others work at the same time, what is new may be theirs.
    const before = isAlone() ? this.#before : undefined
    this.#before = undefined
    const { removed, kept } = before ? await undoChanges(before, changes) : { removed: [], kept: changes }
    return { removed, kept: kept.filter(({ path, kind }) => kind !== 'modified' || !own.has(path)) }
  }

  has(path: string): boolean {
    return exists(path)
  }

  fingerprint(
    paths: readonly string[],
    { times, without }: { times: boolean; without: readonly string[] },
  ): string {
    const hash = createHash('sha256')
    const counted = paths.flatMap(withContent).filter((path) => !without.includes(path))
    for (const path of counted) hash.update(`${describe(path, times)}\0`)
    return hash.digest('hex').slice(0, FINGERPRINT_DIGITS)
  }

  realPath(path: string): string {
    return realDirectory(path)
  }

  archiveFolder(common: string, beside: string, output = ''): string {
    if (exists(join(output, beside))) return beside
    return canMake(join(output, common)) ? common : beside
  }

  write(files: readonly LayerFile[], options: WriteOptions): void {
    if (this.#before !== undefined && options.output === undefined) this.#own.expect(files)
    writeFiles(files, options)
  }
}

/** A path that there is, or those in the directory. */
function withContent(path: string): string[] {
  if (!exists(path)) return []
  if (!lstatSync(path).isDirectory()) return [path]
  const names = readdirSync(path).sort()
  return names.map((name) => join(path, name))
}

/** The size of a directory is a matter of its file system. */
function describe(path: string, times: boolean): string {
  const status = lstatSync(path)
  const size = status.isDirectory() ? '' : status.size
  return [path, status.mode & constants.S_IFMT, size, times ? Math.floor(status.mtimeMs / 1000) : ''].join(
    ' ',
  )
}

function isWithin(path: string, directory: string | undefined): boolean {
  return directory !== undefined && (path === directory || path.startsWith(`${directory}/`))
}

function exists(path: string): boolean {
  return may(path, constants.F_OK)
}

/** Whether a directory can be written to, or made in the nearest one that exists. */
function canMake(directory: string): boolean {
  if (exists(directory)) return statSync(directory).isDirectory() && may(directory, constants.W_OK)
  return directory !== '/' && canMake(dirname(directory))
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}
