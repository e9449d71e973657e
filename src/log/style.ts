// SPDX-License-Identifier: Apache-2.0

/** Marks text by meaning; the identity where colour is not wanted. */
export interface Style {
  good(text: string): string
  bad(text: string): string
  warning(text: string): string
  strong(text: string): string
  faint(text: string): string
}

/**
 * Colours for a terminal, nothing elsewhere; NO_COLOR (any value but the empty one) and TERM=dumb turn them off. FORCE_COLOR
 * asks for them everywhere, for the logs of CI that show them, and with 0 or false for none.
 */
export function createStyle(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): Style {
  const enabled = !env.NO_COLOR && (isForced(env) ?? (stream.isTTY === true && env.TERM !== 'dumb'))
  const sgr = (open: number, close: number) => (text: string) =>
    enabled ? `\u001B[${open}m${text}\u001B[${close}m` : text
  return {
    good: sgr(32, 39),
    bad: sgr(31, 39),
    warning: sgr(33, 39),
    strong: sgr(1, 22),
    faint: sgr(2, 22),
  }
}

function isForced({ FORCE_COLOR: value }: NodeJS.ProcessEnv): boolean | undefined {
  return value ? value !== '0' && value !== 'false' : undefined
}
