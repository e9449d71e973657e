// SPDX-License-Identifier: Apache-2.0
// Pythons that LD_PRELOAD does not reach, and why not. The tracer's own notes of them have the same words.

/** The file that the loader of glibc reads whatever the environment of a program says. */
export const LOADER_FILE = '/etc/ld.so.preload'

const SENTENCES = {
  secure:
    'has file capabilities or the set-user-id bit, with which the loader ignores LD_PRELOAD and the variables of a bake that name a path',
  cleared:
    "is started without the container's variables: an init or an entrypoint in front of it clears the environment",
  frozen:
    'holds a frozen application: it starts Python without its site module, so no hook runs in it, and its modules are no files with sources',
  replaced: 'is started with another LD_PRELOAD, which an entrypoint in front of it sets',
} as const

/** What keeps LD_PRELOAD, or anything else, from being of use in a program. */
export type Hiding = keyof typeof SENTENCES

export interface Unseen {
  /** As messages name it. */
  program: string
  hiding: Hiding
  /** The tool that has frozen the application, where that is known. */
  maker?: string
}

/** Whether a hook that waits for a variable of the image would wait in vain. */
export function lacksVariables(unseen: readonly Unseen[]): boolean {
  return unseen.some(({ hiding }) => hiding === 'cleared')
}

/** Reads a note of the tracer. */
export function parseUnseen(text: string): Unseen | undefined {
  const [, hiding = '', program = ''] = /^(\w+) (.*)$/s.exec(text) ?? []
  return hiding in SENTENCES ? { program: program || 'a Python', hiding: hiding as Hiding } : undefined
}

/** Each program and each reason once. */
export function distinct(unseen: readonly Unseen[]): Unseen[] {
  return [...new Map(unseen.map((one) => [describeUnseen(one), one])).values()]
}

/** Why nothing was seen of it, as the rest of a sentence. */
export function describeUnseen({ program, hiding, maker }: Unseen): string {
  const sentence = SENTENCES[hiding]
  return `${program} ${maker === undefined ? sentence : sentence.replace(':', `, made by ${maker}:`)}`
}

/** What to do where nothing but LD_PRELOAD can be used. */
export function hintFor({ program, hiding }: Unseen): string {
  const behind = 'give the command that it starts after `--`'
  if (hiding === 'secure')
    return `Take them away before the bake (setcap -r ${program}); a container gets capabilities from whoever runs it.`
  if (hiding === 'frozen')
    return 'Install the application into the image (pip install) in place of the frozen one, and start it with that Python.'
  if (hiding === 'replaced')
    return `Have it add to the variable (LD_PRELOAD=own.so:$LD_PRELOAD), or ${behind}.`
  return `Have it keep the variables, or ${behind}; a hook that needs no variable is that of pycds-image step.`
}
