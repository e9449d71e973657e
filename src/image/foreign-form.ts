// SPDX-License-Identifier: Apache-2.0
// Texts that other tools take for an image, or that a shell completes to, and how the same is written here.

/** How a text is written that names something else than an image of an engine. */
export interface ForeignForm {
  /** What it is, as the end of a sentence. */
  readonly reason: string
  /** What to write instead. */
  readonly hint: string
}

const PATH = /^(?:\.{1,2}(?:\/|$)|~?\/)/
const ARCHIVE = /\.(?:tar|tgz|tar\.\w{2,4})$/
/** Of skopeo and its relatives, and of addresses. */
const TRANSPORT =
  /^(dir|docker-daemon|containers-storage|ostree|sif|tarball|[a-z][a-z+-]*(?=:\/\/)):(?:\/\/)?(.*)$/

/** Undefined for a text that looks like the name of an image. It may be one all the same: `dir:1`, `app.tar`. */
export function foreignForm(text: string): ForeignForm | undefined {
  const [, transport, rest = ''] = TRANSPORT.exec(text) ?? []
  if (transport !== undefined) return ofTransport(text, transport, rest)
  if (ARCHIVE.test(text)) {
    return {
      reason: 'it is the name of a file, not of an image',
      hint: `Write docker-archive:${text} for what docker save writes, oci-archive:${text} for a layout in a tar.`,
    }
  }
  if (!PATH.test(text)) return undefined
  return {
    reason: 'it is a path, not the name of an image',
    hint: `Write oci:${text} for a directory, docker-archive:${text} or oci-archive:${text} for a file.`,
  }
}

function ofTransport(text: string, transport: string, rest: string): ForeignForm {
  const reason = `${transport}: is a form that is not known here`
  if (transport === 'docker-daemon' || transport === 'containers-storage') {
    return { reason, hint: `Write ${rest}: the engine is asked for names without a form.` }
  }
  return { reason, hint: `Copy it to a layout and name that: skopeo copy ${text} oci:DIR:TAG` }
}
