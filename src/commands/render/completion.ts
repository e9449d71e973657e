// SPDX-License-Identifier: Apache-2.0
// Scripts with which shells complete command lines. They hold all words themselves: a key press starts no program.
import { renderBash } from './completion-bash.js'
import { renderFish } from './completion-fish.js'
import type { CommandWords } from './completion-words.js'
import { renderZsh } from './completion-zsh.js'

export const SHELLS = ['bash', 'zsh', 'fish'] as const

/**
 * The script for a shell.
 * @param shell one of SHELLS.
 * @param program as it is called.
 */
export function renderCompletion(shell: string, program: string, commands: readonly CommandWords[]): string {
  if (shell === 'bash') return renderBash(program, commands)
  return shell === 'zsh' ? renderZsh(program, commands) : renderFish(program, commands)
}
