// Remove build output: `node clean.mjs dist`. Paths are taken from the working directory and must stay inside it.
import { rmSync } from 'node:fs';
import { relative, resolve } from 'node:path';

for (const name of process.argv.slice(2)) {
  const path = resolve(name);
  const inside = relative(process.cwd(), path);
  if (inside === '' || inside.startsWith('..')) {
    console.error(`refused to remove ${path}: not inside ${process.cwd()}`);
    process.exit(2);
  }
  rmSync(path, { recursive: true, force: true });
}
