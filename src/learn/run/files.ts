// SPDX-License-Identifier: Apache-2.0
// What a run puts into its container. It all lies in one directory, but for the loader's list; none of it reaches the
// image.
import type { TarEntry } from '../../tar/index.js'
import { LOADER_FILE } from './unseen.js'

const ROOT = '/.pycds-train'
const OWNER = { uid: 0, gid: 0, mtime: new Date(0) }

/** Where the files of a run lie, if not in a directory of the container's root. */
export interface TrainingPlace {
  /** Absolute; made for the run. */
  directory: string
  /** The native parts as files that are there already. */
  tracer: string
  probe: string
}

/** The native parts that a run needs inside. */
export interface RunParts {
  tracer: Buffer
  probe: Buffer
}

/** The paths of a run inside its container. */
export class RunPaths {
  readonly root: string
  readonly tracer: string
  readonly probe: string

  constructor(place?: TrainingPlace) {
    this.root = place?.directory ?? ROOT
    this.tracer = place?.tracer ?? this.file('pycds-tracer.so')
    this.probe = place?.probe ?? this.file('pycds-probe')
  }

  get logs(): string {
    return this.file('runlog')
  }

  /** Grows by a byte with every import. */
  get activity(): string {
    return this.file('runlog/activity')
  }

  get times(): string {
    return this.file('time')
  }

  /** A further file of a run. */
  file(name: string): string {
    return `${this.root}/${name}`
  }

  /**
   * Any user of the container must be able to write its run log, also after dropping privileges.
   * @param more contents of further files by name; readable by all.
   */
  entries(parts: RunParts, more: Readonly<Record<string, Buffer>> = {}): TarEntry[] {
    const isPut = (path: string) => path.startsWith(`${this.root}/`)
    return [
      directory(this.root, 0o755),
      ...(isPut(this.tracer) ? [file(this.tracer, 0o555, parts.tracer)] : []),
      ...(isPut(this.probe) ? [file(this.probe, 0o555, parts.probe)] : []),
      ...Object.entries(more).map(([name, body]) => file(this.file(name), 0o444, body)),
      directory(this.logs, 0o1777),
      file(this.activity, 0o666),
      directory(this.times, 0o1777),
    ]
  }

  /**
   * The same with the tracer in the loader's list, and the variables of the run beside it for programs that do not get them.
   * @param loader what the image has in its list, and the variables
   */
  entriesWithLoader(
    parts: RunParts,
    loader: { list: string; env: Readonly<Record<string, string>> },
    more: Readonly<Record<string, Buffer>> = {},
  ): TarEntry[] {
    const lines = Object.entries(loader.env).map(([name, value]) => `${name}=${value}\n`)
    const list = [loader.list.trimEnd(), this.tracer].filter((line) => line !== '')
    return [
      ...this.entries(parts, { ...more, environment: Buffer.from(lines.join('')) }),
      file(LOADER_FILE, 0o644, Buffer.from(`${list.join('\n')}\n`)),
    ]
  }
}

function file(path: string, mode: number, body?: Buffer): TarEntry {
  return { ...OWNER, name: path.slice(1), type: 'file', mode, ...(body ? { body } : {}) }
}

function directory(path: string, mode: number): TarEntry {
  return { ...OWNER, name: path.slice(1), type: 'directory', mode }
}
