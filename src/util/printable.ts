// SPDX-License-Identifier: Apache-2.0

/**
 * A text of somebody else for a terminal, which obeys control characters and those that turn the direction of writing: they
 * are written as in a string of JavaScript.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    const hex = character.charCodeAt(0).toString(16)
    return hex.length > 2 ? `\\u${hex.padStart(4, '0')}` : `\\x${hex.padStart(2, '0')}`
  })
}
