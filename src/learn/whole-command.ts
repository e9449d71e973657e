// SPDX-License-Identifier: Apache-2.0
// `docker run IMAGE --help` hands a word to the ENTRYPOINT; behind `--` here stands what takes its place.
import { PycdsError } from '../errors/index.js'
import type { ImageConfig } from '../image/index.js'
import { quote } from '../util/quote.js'

/**
 * USAGE for a command that begins with an option, as for an ENTRYPOINT.
 * @param config of the image; undefined when it is not known
 */
export function assertWholeCommand(
  { reference, command }: { reference: string; command?: readonly string[] },
  config: ImageConfig | undefined,
): void {
  const [program = ''] = command ?? []
  if (!program.startsWith('-')) return
  const whole = [...entrypointOf(config), ...(command ?? [])].map(quote).join(' ')
  throw new PycdsError('USAGE', {
    message: `${reference}: -- ${program}: behind two dashes goes a whole command, in place of the ENTRYPOINT`,
    hint:
      entrypointOf(config).length > 0
        ? `Repeat the ENTRYPOINT of the image: -- ${whole}`
        : 'Begin with a program, as in `-- python3 -m app --help`.',
  })
}

/** A command that only shows its usage, for an image whose own asks for arguments; undefined when nothing is known. */
export function usageCommand(command: readonly string[]): string | undefined {
  return command.length === 0 ? undefined : [...command, '--help'].map(quote).join(' ')
}

function entrypointOf(config: ImageConfig | undefined): string[] {
  return [...(config?.config?.Entrypoint ?? [])]
}
