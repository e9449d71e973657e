// SPDX-License-Identifier: Apache-2.0

/** What an engine adds where the container's root is the machine's own: bytecode that a run writes would have to be removed again. */
export const WITHOUT_BYTECODE = { PYTHONDONTWRITEBYTECODE: '1' } as const
