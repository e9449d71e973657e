// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import type { NewLayer } from '../ports/index.js'
import { readTar } from '../tar/index.js'
import { by } from '../util/order.js'

/** A file of a layer. */
export interface ContainedFile {
  /** Absolute, in the image. */
  path: string
  /** Bytes. */
  size: number
  /** Hexadecimal, as `sha256`. */
  sha1: string
  sha256: string
}

/** The files in a layer that was made here, by path; none of the marks by which it hides what lies below. */
export async function filesOf({ tar }: NewLayer): Promise<ContainedFile[]> {
  const files: ContainedFile[] = []
  const visit = async ({ name, type, size }: { name: string; type: string; size: number }, body: Body) => {
    if (type !== 'file' || /(^|\/)\.wh\.[^/]+$/.test(name)) return
    const bytes = await body()
    files.push({ path: `/${name}`, size, sha1: hash('sha1', bytes), sha256: hash('sha256', bytes) })
  }
  await readTar(tar, visit, { bodyBytes: tar.length })
  return files.sort(by('path'))
}

type Body = () => Promise<Buffer>

function hash(algorithm: 'sha1' | 'sha256', bytes: Buffer): string {
  return createHash(algorithm).update(bytes).digest('hex')
}
