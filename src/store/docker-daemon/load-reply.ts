// SPDX-License-Identifier: Apache-2.0
import type { Readable } from 'node:stream'
import { streamedError } from '../../docker/index.js'

/** A reply is a few lines; an engine that talks without end is not one. */
const REPLY_LIMIT = 4 * 1024 * 1024
const LOADED = /Loaded image(?: ID)?: (sha256:[0-9a-f]{64})/

/**
 * Reads what the engine says while it loads an archive: JSON documents, one a line.
 * Returns the id of the loaded image when it names one; throws the error that it reports.
 *
 * @param subject what was loaded, as it starts an error message
 */
export async function readLoadReply(reply: Readable, subject: string): Promise<string | undefined> {
  let text = ''
  for await (const chunk of reply) {
    text += (chunk as Buffer).toString('utf8')
    if (text.length > REPLY_LIMIT) throw streamedError('the reply of the engine does not end', subject)
  }
  let id: string | undefined
  for (const line of text.split('\n')) {
    const { error, stream } = parseLine(line)
    if (error !== undefined) throw streamedError(error, subject)
    id = LOADED.exec(stream ?? '')?.[1] ?? id
  }
  return id
}

function parseLine(line: string): { error?: string; stream?: string } {
  if (line.trim() === '') return {}
  try {
    const value = JSON.parse(line) as { error?: unknown; stream?: unknown } | null
    return {
      ...(typeof value?.error === 'string' ? { error: value.error } : {}),
      ...(typeof value?.stream === 'string' ? { stream: value.stream } : {}),
    }
  } catch {
    // Older engines write plain text when progress is off.
    return { stream: line }
  }
}
