// SPDX-License-Identifier: Apache-2.0
import { type ErrorDocument, renderError, toErrorDocument, toPycdsError } from '../../errors/index.js'
import { formatJson, writeOutput } from './output-files.js'

/** How the end of a piece of work is told. */
export interface OutcomeOptions {
  /** Gets the result, or the error, as JSON. */
  file: string | undefined
  /** Tell a failure as a warning and go on; the result is a document of the failure then. */
  skip: boolean
}

/** Runs `work` and writes down how it ended. An interruption and a wrong command line are never skipped. */
export async function writeOutcome<T>(
  options: OutcomeOptions,
  work: () => Promise<T>,
): Promise<T | ErrorDocument> {
  try {
    const result = await work()
    await write(options.file, result)
    return result
  } catch (error) {
    const failure = toPycdsError(error)
    const document = toErrorDocument(failure)
    await write(options.file, document)
    if (!options.skip || failure.code === 'INTERRUPTED' || failure.code === 'INTERNAL') throw error
    process.stderr.write(renderError(failure, { debug: false, heading: 'Warning: not baked' }))
    return document
  }
}

async function write(file: string | undefined, document: unknown): Promise<void> {
  if (file !== undefined) await writeOutput('--metadata-file', file, formatJson(document))
}
