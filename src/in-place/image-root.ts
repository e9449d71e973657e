// SPDX-License-Identifier: Apache-2.0
// The root file system of this process, as a bake in place uses it.
import { accessSync, constants } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ImageRoot, LayerFile, PathChange, Undone, WriteOptions } from '../ports/index.js'
import { originalEnvironment } from './environment.js'
import { machineSign } from './machine.js'
import { makePlace } from './place.js'
import { isAlone } from './processes.js'
import { Snapshot } from './snapshot.js'
import { undoChanges } from './undo.js'
import { writeFiles } from './write.js'

export class CurrentRoot implements ImageRoot {
  readonly environment = originalEnvironment(process.env)
  readonly directory = process.cwd()
  #before: Snapshot | undefined
  #place: string | undefined

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

  async undo(): Promise<Undone> {
    if (this.#place !== undefined) await rm(this.#place, { recursive: true, force: true })
    const changes = await this.changes()
    // Where others work at the same time, what is new may be theirs.
    const before = isAlone() ? this.#before : undefined
    this.#before = undefined
    return before ? await undoChanges(before, changes) : { removed: [], kept: changes }
  }

  has(path: string): boolean {
    return exists(path)
  }

  archiveFolder(common: string, beside: string, output = ''): string {
    if (exists(join(output, beside))) return beside
    return canMake(join(output, common)) ? common : beside
  }

  write(files: readonly LayerFile[], options: WriteOptions): void {
    writeFiles(files, options)
  }
}

function isWithin(path: string, directory: string | undefined): boolean {
  return directory !== undefined && (path === directory || path.startsWith(`${directory}/`))
}

function exists(path: string): boolean {
  return may(path, constants.F_OK)
}

/** Whether a directory can be written to, or made in the nearest one that exists. */
function canMake(directory: string): boolean {
  if (exists(directory)) return may(directory, constants.W_OK)
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
