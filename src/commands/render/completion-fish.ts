// SPDX-License-Identifier: Apache-2.0
import {
  type CommandWords,
  type FlagWords,
  PROGRAM_FLAGS,
  pairsOf,
  partsOf,
  quote,
  takesFile,
  verbsOf,
} from './completion-words.js'

/** Options are offered behind their verb only, which is the first word, or the first two. */
export function renderFish(program: string, commands: readonly CommandWords[]): string {
  const inside = `__${program.replaceAll('-', '_')}_in`
  const none = `complete -c ${program} -n __fish_use_subcommand`
  const lines = [
    ...[...verbsOf(commands)].map(([word, summary]) => `${none} -f -a ${word} -d ${quote(summary)}`),
    ...PROGRAM_FLAGS.map((flag) => `${none} ${option(flag)}`),
  ]
  for (const command of commands) {
    const behind = `complete -c ${program} -n ${quote(`${inside} ${command.words.join(' ')}`)}`
    const parts = partsOf(commands, command)
    // A part stands in the place of a file; a choice is all that there can be.
    if (parts.length > 0) lines.push(`${behind} -a ${quote(parts.join(' '))}`)
    if (command.choices.length > 0) lines.push(`${behind} -f -a ${quote(command.choices.join(' '))}`)
    lines.push(...command.flags.map((flag) => `${behind} ${option(flag)}`))
  }
  return `# Completes ${program} in fish.
function ${inside}
  set -l words (commandline -opc)
  # Behind two dashes is a command for the image.
  contains -- -- $words; and return 1
  set -l verb $words[2]
  contains -- "$words[2] $words[3]" ${pairsOf(commands).map(quote).join(' ') || "''"}; and set verb "$words[2] $words[3]"
  test "$verb" = "$argv"
end
${lines.join('\n')}
`
}

function option(flag: FlagWords): string {
  const { name, char, summary, value, choices } = flag
  // What a choice means is not said by its option's summary, which fish would show beside each.
  const offers = choices.map((choice) => `${choice}\\t`).join(' ')
  return [
    `-l ${name}`,
    ...(char ? [`-s ${char}`] : []),
    ...(value === undefined ? [] : takesFile(flag) ? ['-r'] : ['-x']),
    ...(choices.length > 0 ? [`-a ${quote(offers)}`] : []),
    `-d ${quote(summary)}`,
  ].join(' ')
}
