// SPDX-License-Identifier: Apache-2.0
import {
  type CommandWords,
  dashed,
  type FlagWords,
  PROGRAM_FLAGS,
  pairsOf,
  partsOf,
  quote,
  takesFile,
  verbsOf,
} from './completion-words.js'

/**
 * Read at the start of a shell, or found by it as the file `_PROGRAM` in its `fpath`. In that case the file is the
 * function's body at the first TAB, so the function inside has its name.
 */
export function renderZsh(program: string, commands: readonly CommandWords[]): string {
  const name = `_${program}`
  const files = `_${program}-files`
  const cases = commands.map((command) => {
    const words = [...partsOf(commands, command), ...command.choices]
    const first = words.length > 0 ? [`1::word:(${words.join(' ')})`] : []
    const specs = [...command.flags.flatMap((flag) => specsOf(flag, files)), ...first, `*::file:${files}`]
    return `    ${quote(command.words.join(' '))}) _arguments ${specs.map(quote).join(' ')} ;;`
  })
  const verbs = [...verbsOf(commands)].map(([word, summary]) => quote(`${word}:${summary}`))
  const options = PROGRAM_FLAGS.flatMap((flag) =>
    dashed(flag).map((dash) => quote(`${dash}:${flag.summary}`)),
  )
  return `#compdef ${program}
# Completes ${program} in zsh.
# Files, also behind the kind of a location.
${files}() {
  compset -P '(oci|oci-archive|docker-archive):'
  _files
}
${name}() {
  local verb
  if (( CURRENT == 2 )); then
    local -a verbs=(${verbs.join(' ')})
    local -a options=(${options.join(' ')})
    if [[ $words[2] == -* ]]; then _describe -o option options; else _describe command verbs; fi
    return
  fi
  # Behind two dashes is a command for the image.
  (( \${words[(I)--]} > 0 && \${words[(I)--]} < CURRENT )) && return
  verb=\${words[2]}
  shift words
  (( CURRENT-- ))
  case "$verb \${words[2]}" in
    ${pairsOf(commands).map(quote).join('|') || "''"})
      if (( CURRENT > 2 )); then verb="$verb \${words[2]}"; shift words; (( CURRENT-- )); fi ;;
  esac
  case $verb in
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = ${quote(name)} ]; then ${name} "$@"; else compdef ${name} ${program}; fi
`
}

/** What `_arguments` is told of an option: one for each of its forms. */
function specsOf(flag: FlagWords, files: string): string[] {
  const offer = flag.choices.length > 0 ? `(${flag.choices.join(' ')})` : takesFile(flag) ? files : ' '
  const value = flag.value === undefined ? '' : `:${escaped(flag.value)}:${offer}`
  return dashed(flag).map((dash) => {
    const sign = flag.value !== undefined && dash.startsWith('--') ? '=' : ''
    return `*${dash}${sign}[${escaped(flag.summary)}]${value}`
  })
}

/** Brackets and colons have a meaning in these descriptions. */
const escaped = (text: string) => text.replaceAll(/[[\]:\\]/g, '\\$&')
