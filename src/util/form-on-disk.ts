// SPDX-License-Identifier: Apache-2.0
// What lies on this machine under a text that was taken for the name of an image.
import { closeSync, existsSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { quote } from './quote.js'

export interface FormOnDisk {
  /** What it is, as the end of a sentence. */
  readonly reason: string
  /** What to write instead, or to do first. */
  readonly hint: string
  /** Whether it is an image, which needs no engine. */
  readonly isImage: boolean
}

/** Where every header of a tar has its mark. */
const TAR_MARK = { at: 257, text: 'ustar' }

/** Undefined where nothing of that name lies here. */
export function formOnDisk(text: string): FormOnDisk | undefined {
  const found = look(text)
  if (found?.isDirectory()) return ofDirectory(text)
  if (!found?.isFile()) return undefined
  if (/^(?:Docker|Container)file(?:\.|$)/.test(basename(text))) {
    const hint = `Build it, and name what that gives; or have it bake: pycds-image generate ${quote(text)}`
    return { reason: 'it is a Dockerfile here', hint, isImage: false }
  }
  return isTar(text) ? ofTar(text) : { ...ofTar(text), reason: 'it is a file here', isImage: false }
}

/** Whether a text is read as a file: one lies there, or it is written as a path and a pipe or a device lies there. */
export function isReadable(text: string): boolean {
  const found = look(text)
  if (found === undefined || found.isDirectory()) return false
  return found.isFile() || /^[./]/.test(text)
}

/** Whether a directory is an OCI layout. */
export function isLayout(directory: string): boolean {
  return existsSync(join(directory, 'oci-layout'))
}

/** Whether a file is a tar; a compressed one is not seen. */
export function isTar(path: string): boolean {
  // The opening of a pipe waits for somebody who writes to it.
  if (!look(path)?.isFile()) return false
  const mark = Buffer.alloc(TAR_MARK.text.length)
  try {
    const file = openSync(path, 'r')
    readSync(file, mark, 0, mark.length, TAR_MARK.at)
    closeSync(file)
  } catch {
    return false // closed to us: whoever opens it to read it says so
  }
  return mark.toString() === TAR_MARK.text
}

/** How an image in a tar is written. */
export function ofTar(path: string): FormOnDisk {
  const hint = `Write ${quote(`docker-archive:${path}`)} for what docker save writes, ${quote(`oci-archive:${path}`)} for a layout in a tar.`
  return { reason: 'it is a tar file here', hint, isImage: true }
}

function ofDirectory(path: string): FormOnDisk {
  if (isLayout(path))
    return {
      reason: 'it is an OCI layout here',
      hint: `Write ${quote(`oci:${path}`)} for it.`,
      isImage: true,
    }
  if (existsSync(join(path, 'Dockerfile'))) {
    const hint = `Build it, and name what that gives: docker build -t NAME ${quote(path)}`
    return { reason: 'it is the folder of a Dockerfile here', hint, isImage: false }
  }
  const hint = `Name an image of the engine, or an OCI layout as oci:DIR; to inspect what was learned there, write ${quote(`./${path}`)}.`
  return { reason: 'it is a directory here, and no OCI layout', hint, isImage: false }
}

function look(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined // a name that no path can have, or a place that is closed to us
  }
}
