// SPDX-License-Identifier: Apache-2.0
import {
  type CommandWords,
  dashed,
  PROGRAM_FLAGS,
  pairsOf,
  partsOf,
  takesFile,
  verbsOf,
} from './completion-words.js'

/** Where the script offers no word, bash itself offers files, as it quotes them and with their directories. */
export function renderBash(program: string, commands: readonly CommandWords[]): string {
  const values = commands.flatMap((command) =>
    command.flags
      .filter(({ choices }) => choices.length > 0)
      .map(
        ({ name, choices }) => `    '${command.words.join(' ')}:--${name}') words='${choices.join(' ')}' ;;`,
      ),
  )
  const valued = commands.flatMap(({ flags }) => flags.filter(({ value }) => value !== undefined))
  const files = namesOf(valued.filter(takesFile))
  const others = namesOf(valued).filter((name) => !files.includes(name))
  const cases = commands.map((command) => {
    const words = [...partsOf(commands, command), ...command.choices, ...command.flags.flatMap(dashed)]
    return `    '${command.words.join(' ')}') words='${words.join(' ')}' ;;`
  })
  const first = [...verbsOf(commands).keys(), ...PROGRAM_FLAGS.flatMap(dashed)]
  const name = `_${program.replaceAll('-', '_')}`
  return `# Completes ${program} in bash.
${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} verb=\${COMP_WORDS[1]} words= word
  COMPREPLY=()
  # bash takes = as a word of its own.
  if [ "$current" = = ]; then current=; elif [ "$previous" = = ]; then previous=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  # Behind two dashes is a command for the image.
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do if [ "$word" = -- ]; then return; fi; done
  if [ "$COMP_CWORD" -gt 2 ]; then
    case "$verb \${COMP_WORDS[2]}" in
    ${
      pairsOf(commands)
        .map((pair) => `'${pair}'`)
        .join(' | ') || "''"
    }) verb="$verb \${COMP_WORDS[2]}" ;;
    esac
  fi
  case "$verb:$previous" in
${values.join('\n')}
  esac
  if [ -z "$words" ]; then
    case $previous in
    ${files.join(' | ') || "''"}) return ;;
    ${others.join(' | ') || "''"})
      compopt +o default 2>/dev/null
      return
      ;;
    esac
    case $verb in
${cases.join('\n')}
    esac
  fi
  if [ "$COMP_CWORD" -eq 1 ]; then words='${first.join(' ')}'; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F ${name} ${program}
`
}

const namesOf = (flags: CommandWords['flags']) => [...new Set(flags.flatMap(dashed))]
