// `node built-from-here.mjs shared backend` exits 1 where the last `npm run build` was made from other sources.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, root } from './sources.mjs';

function lastBuild() {
  try {
    return JSON.parse(readFileSync(join(root, 'build-metrics.json'), 'utf8')).workspaces;
  } catch {
    return {};
  }
}

const built = lastBuild();
const other = process.argv.slice(2).filter((workspace) => built[workspace]?.sources !== digestOf(workspace));
if (other.length > 0) {
  console.error(`not built, or built from other sources: ${other.join(', ')}; say: npm run build`);
  process.exit(1);
}
