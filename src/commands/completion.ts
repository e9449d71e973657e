// SPDX-License-Identifier: Apache-2.0
import { Args } from '@oclif/core'
import { BaseCommand } from './cli/base-command.js'
import { renderCompletion, SHELLS } from './render/completion.js'
import type { CommandWords } from './render/completion-words.js'

export interface CompletionResult {
  shell: string
  script: string
}

export default class Completion extends BaseCommand {
  static override readonly summary = 'print a script with which a shell completes the words of this program'
  static override readonly description =
    'bash: add the line `. ~/.pycds-image.bash` to ~/.bashrc. zsh: make the directory ~/.zfunc, and add the line ' +
    '`fpath+=~/.zfunc` to ~/.zshrc, above compinit. fish needs no more than the file. The file has to be made anew ' +
    'after an update.'
  static override readonly usage = 'completion SHELL'
  static override readonly examples = [
    '<%= config.bin %> completion bash > ~/.pycds-image.bash',
    '<%= config.bin %> completion zsh > ~/.zfunc/_<%= config.bin %>',
    '<%= config.bin %> completion fish > ~/.config/fish/completions/<%= config.bin %>.fish',
  ]
  static override readonly args = {
    shell: Args.string({ required: true, options: [...SHELLS], description: SHELLS.join(', ') }),
  }

  async run(): Promise<CompletionResult> {
    const { args } = await this.parseLine(Completion)
    const { bin, commands } = this.config
    const script = renderCompletion(args.shell, bin, commands.map(wordsOf))
    this.log(script.trimEnd())
    return { shell: args.shell, script }
  }
}

/** What can follow a verb, from oclif's description of it. */
function wordsOf({ id, summary, args, flags }: Completion['config']['commands'][number]): CommandWords {
  return {
    words: id.split(':'),
    summary: summary ?? '',
    // Of arguments only those that are one of a few words; files are what a shell completes by itself.
    choices: Object.values(args).flatMap(({ options }) => options ?? []),
    flags: [
      ...Object.values(flags).map((flag) => ({
        name: flag.name,
        char: flag.char,
        summary: flag.summary ?? flag.description ?? '',
        value: flag.type === 'option' ? (flag.helpValue?.toString() ?? 'VALUE') : undefined,
        choices: flag.type === 'option' ? [...(flag.options ?? [])] : [],
      })),
      { name: 'help', char: 'h', summary: 'show help', choices: [] },
    ],
  }
}
