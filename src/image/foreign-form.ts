// SPDX-License-Identifier: Apache-2.0
// Texts that other tools take for an image, or that a shell completes to, and how the same is written here.
import { quote } from '../util/quote.js'

/** How a text is written that names something else than an image of an engine. */
export interface ForeignForm {
  /** What it is, as the end of a sentence. */
  readonly reason: string
  /** What to write instead. */
  readonly hint: string
}

/** Also as Windows writes one. */
const PATH = /^(?:\.{1,2}(?:[/\\]|$)|~?[/\\]|[A-Za-z]:[/\\])/
const ARCHIVE = /\.(?:tar|tgz|tar\.\w{2,4})$/
/** Of skopeo and its relatives, and of addresses. */
const TRANSPORT =
  /^(dir|docker-daemon|containers-storage|ostree|sif|tarball|[a-z][a-z+-]*(?=:\/\/)):(?:\/\/)?(.*)$/

/** What is meant as a path, as a shell completes one, where the caller has found nothing at it; undefined for other texts. */
export function lostPath(text: string): ForeignForm | undefined {
  if (!PATH.test(text)) return undefined
  return {
    reason: 'it is a path, and there is no such file or directory',
    hint: 'Check the path. An image is named as its engine has it, or with oci:, docker-archive: or oci-archive: before a path.',
  }
}

/** Undefined for a text that looks like the name of an image. It may be one all the same: `dir:1`, `app.tar`. */
export function foreignForm(text: string): ForeignForm | undefined {
  const [, transport, rest = ''] = TRANSPORT.exec(text) ?? []
  if (transport !== undefined) return ofTransport(text, transport, rest)
  if (ARCHIVE.test(text)) {
    return {
      reason: 'it is the name of a file, not of an image',
      hint: `Write ${quote(`docker-archive:${text}`)} for what docker save writes, ${quote(`oci-archive:${text}`)} for a layout in a tar.`,
    }
  }
  if (!PATH.test(text)) return undefined
  const forms = {
    oci: quote(`oci:${text}`),
    docker: quote(`docker-archive:${text}`),
    archive: quote(`oci-archive:${text}`),
  }
  return {
    reason: 'it is a path, not the name of an image',
    hint: `Write ${forms.oci} for a directory, ${forms.docker} or ${forms.archive} for a file.`,
  }
}

function ofTransport(text: string, transport: string, rest: string): ForeignForm {
  const reason = `${transport}: is a form that is not known here`
  if (transport === 'docker-daemon' || transport === 'containers-storage') {
    return { reason, hint: `Write ${quote(rest)}: the engine is asked for names without a form.` }
  }
  return { reason, hint: `Copy it to a layout and name that: skopeo copy ${quote(text)} oci:DIR:TAG` }
}
