import { fileURLToPath } from 'node:url';

/**
 * The folder of the package that this program is part of: three above `build/src/cli`, and above
 * `build/bundle/cli`, where the bundled program has this module inside itself.
 */
export const PACKAGE_FOLDER = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
