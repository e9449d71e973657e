// SPDX-License-Identifier: Apache-2.0

/** A text of somebody else for a terminal, which obeys control characters: they are written as in a string of JavaScript. */
export function printable(text: string): string {
  return text.replace(
    /\p{Cc}/gu,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}
