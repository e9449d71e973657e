// SPDX-License-Identifier: Apache-2.0
// Scripts with which shells complete command lines. They hold all words themselves: a key press starts no program.

export const SHELLS = ['bash', 'zsh', 'fish'] as const

/** A verb and what can follow it. */
export interface CommandWords {
  /** Such as `trace`, `merge`. */
  words: string[]
  summary: string
  /** Of its arguments, where these are some of a few words. */
  choices: string[]
  flags: {
    /** Without dashes. */
    name: string
    char?: string | undefined
    summary: string
    takesValue: boolean
    /** What the value may be; empty when it may be anything. */
    choices: string[]
  }[]
}

/**
 * The script for a shell.
 * @param shell one of SHELLS.
 * @param program as it is called.
 */
export function renderCompletion(shell: string, program: string, commands: readonly CommandWords[]): string {
  if (shell === 'bash') return renderBash(program, commands)
  return shell === 'zsh' ? renderZsh(program, commands) : renderFish(program, commands)
}

const functionOf = (program: string) => `_${program.replaceAll('-', '_')}`

/** The words that can stand where a verb is expected, once. */
function verbsOf(commands: readonly CommandWords[]): Map<string, string> {
  return new Map(
    commands
      .filter(({ words }) => words.length === 1)
      .map(({ words: [word = ''], summary }) => [word, summary]),
  )
}

/** The words behind a verb that make another one of it. */
function partsOf(commands: readonly CommandWords[], { words }: CommandWords): string[] {
  const longer = commands.filter(
    ({ words: other }) => other.length === 2 && words.length === 1 && other[0] === words[0],
  )
  return longer.flatMap((command) => command.words[1] ?? [])
}

const dashed = ({ flags }: CommandWords) =>
  flags.flatMap(({ name, char }) => [`--${name}`, ...(char ? [`-${char}`] : [])])

function renderBash(program: string, commands: readonly CommandWords[]): string {
  const values = commands.flatMap((command) =>
    command.flags
      .filter(({ choices }) => choices.length > 0)
      .map(
        ({ name, choices }) => `    '${command.words.join(' ')}:--${name}') words='${choices.join(' ')}' ;;`,
      ),
  )
  const valued = [...new Set(commands.flatMap(({ flags }) => flags.filter((flag) => flag.takesValue)))]
  const names = new Set(valued.flatMap(({ name, char }) => [`--${name}`, ...(char ? [`-${char}`] : [])]))
  const cases = commands.map((command) => {
    const words = [...partsOf(commands, command), ...command.choices, ...dashed(command)]
    return `    '${command.words.join(' ')}') words='${words.join(' ')}' ;;`
  })
  const longer = commands.filter(({ words }) => words.length === 2).map(({ words }) => `'${words.join(' ')}'`)
  const name = functionOf(program)
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
    ${longer.join(' | ') || "''"}) verb="$verb \${COMP_WORDS[2]}" ;;
    esac
  fi
  case "$verb:$previous" in
${values.join('\n')}
  esac
  if [ -z "$words" ]; then
    case $previous in
    ${[...names].join(' | ')})
      COMPREPLY=($(compgen -f -- "$current"))
      return
      ;;
    esac
    case $verb in
${cases.join('\n')}
    esac
  fi
  if [ "$COMP_CWORD" -eq 1 ]; then words='${[...verbsOf(commands).keys()].join(' ')} --help --version'; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [ \${#COMPREPLY[@]} -eq 0 ]; then COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -F ${name} ${program}
`
}

/** In single quotes, for zsh and fish. */
const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

function renderZsh(program: string, commands: readonly CommandWords[]): string {
  const name = functionOf(program)
  // Brackets and colons have a meaning in these descriptions.
  const plain = (text: string) => text.replaceAll(/[[\]:]/g, ' ')
  const specs = (command: CommandWords) =>
    command.flags.flatMap((flag) => {
      const value = flag.takesValue
        ? `:value:${flag.choices.length > 0 ? `(${flag.choices.join(' ')})` : '_files'}`
        : ''
      return [`--${flag.name}`, ...(flag.char ? [`-${flag.char}`] : [])].map((dash) => {
        const sign = flag.takesValue && dash.startsWith('--') ? '=' : ''
        return quote(`*${dash}${sign}[${plain(flag.summary)}]${value}`)
      })
    })
  const cases = commands.map((command) => {
    const words = [...partsOf(commands, command), ...command.choices]
    const rest = words.length > 0 ? `'1::word:(${words.join(' ')})' '*::file:_files'` : "'*::file:_files'"
    return `    ${quote(command.words.join(' '))}) _arguments ${[...specs(command), rest].join(' ')} ;;`
  })
  const verbs = [...verbsOf(commands)].map(([word, summary]) => quote(`${word}:${plain(summary)}`))
  return `#compdef ${program}
# Completes ${program} in zsh.
${name}() {
  local verb
  if (( CURRENT == 2 )); then
    local -a verbs=(${verbs.join(' ')})
    _describe command verbs
    return
  fi
  # Behind two dashes is a command for the image.
  (( \${words[(I)--]} > 0 && \${words[(I)--]} < CURRENT )) && return
  verb=\${words[2]}
  shift words
  (( CURRENT-- ))
  case "$verb \${words[2]}" in
    ${
      commands
        .filter(({ words }) => words.length === 2)
        .map(({ words }) => quote(words.join(' ')))
        .join('|') || "''"
    })
      if (( CURRENT > 2 )); then verb="$verb \${words[2]}"; shift words; (( CURRENT-- )); fi ;;
  esac
  case $verb in
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = ${quote(name)} ]; then ${name} "$@"; else compdef ${name} ${program}; fi
`
}

function renderFish(program: string, commands: readonly CommandWords[]): string {
  const lines = [...verbsOf(commands)].map(
    ([word, summary]) => `complete -c ${program} -n __fish_use_subcommand -f -a ${word} -d ${quote(summary)}`,
  )
  for (const command of commands) {
    const seen = command.words.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ')
    const parts = [...partsOf(commands, command), ...command.choices]
    if (parts.length > 0) lines.push(`complete -c ${program} -n ${quote(seen)} -a ${quote(parts.join(' '))}`)
    for (const { name, char, summary, takesValue, choices } of command.flags) {
      const options = [
        `-l ${name}`,
        ...(char ? [`-s ${char}`] : []),
        ...(takesValue ? ['-r'] : []),
        ...(choices.length > 0 ? [`-f -a ${quote(choices.join(' '))}`] : []),
      ]
      lines.push(`complete -c ${program} -n ${quote(seen)} ${options.join(' ')} -d ${quote(summary)}`)
    }
  }
  return `# Completes ${program} in fish.\n${lines.join('\n')}\n`
}
