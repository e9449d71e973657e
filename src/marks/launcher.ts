// SPDX-License-Identifier: Apache-2.0
// The program in front of an entrypoint whose starts go on in a snapshot at once.
import { FOLDER, START_NAME } from './places.js'

/** Where it lies in an image. */
export const LAUNCHER_PATH = `${FOLDER}/${START_NAME}`

/** Whether a command begins with it. */
export function isLaunched(command: readonly string[]): boolean {
  return command[0] === LAUNCHER_PATH
}

/** What it starts: the command without it. */
export function withoutLauncher(command: readonly string[]): readonly string[] {
  return isLaunched(command) ? command.slice(1) : command
}

/** Whether a command is what an entrypoint would start: its own words, and arguments. */
export function isOfEntrypoint(command: readonly string[], entrypoint: readonly string[]): boolean {
  return entrypoint.every((word, index) => command[index] === word)
}
