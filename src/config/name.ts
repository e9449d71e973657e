// SPDX-License-Identifier: Apache-2.0

/** What the configuration file is called where nothing else is said. */
export const CONFIG_FILE = 'pycds-image.yaml'
