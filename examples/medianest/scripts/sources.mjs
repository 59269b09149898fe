// What a build was made from, as one digest per workspace: so that an old build cannot stand for new sources.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

const INPUTS = {
  shared: ['shared/src', 'shared/package.json', 'shared/tsconfig.build.json'],
  backend: ['backend/src', 'backend/package.json', 'backend/tsconfig.build.json'],
  frontend: [
    'frontend/src',
    'frontend/server',
    'frontend/index.html',
    'frontend/package.json',
    'frontend/vite.config.ts',
  ],
};

export const workspaces = Object.keys(INPUTS);

/** Hex SHA-256 over names and contents of everything that a workspace's build reads. */
export function digestOf(workspace) {
  const hash = createHash('sha256');
  for (const path of [...INPUTS[workspace], 'tsconfig.base.json', 'package-lock.json'].flatMap(files)) {
    const content = readFileSync(join(root, path));
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

function files(path) {
  if (statSync(join(root, path)).isFile()) return [path];
  return readdirSync(join(root, path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      relative(root, join(entry.parentPath ?? entry.path, entry.name))
        .split(sep)
        .join('/'),
    )
    .toSorted();
}
