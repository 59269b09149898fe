// Writes build-metrics.json: how large each workspace's build is, and what it was made from.
// Exits 1, and leaves no file, where one of them is missing.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { digestOf, root, workspaces as names } from './sources.mjs';

const output = join(root, 'build-metrics.json');

function commit() {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return 'unknown';
  }
}

function measure(workspace) {
  const dist = join(root, workspace, 'dist');
  if (!existsSync(dist)) return undefined;
  const files = readdirSync(dist, { recursive: true })
    .map((name) => join(dist, name))
    .filter((path) => statSync(path).isFile() && extname(path) !== '.map')
    .toSorted()
    .map((path) => ({
      path: relative(root, path),
      bytes: statSync(path).size,
      gzip: gzipSync(readFileSync(path)).length,
    }));
  const sum = (key) => files.reduce((total, file) => total + file[key], 0);
  const sources = digestOf(workspace);
  return { files: files.length, bytes: sum('bytes'), gzip: sum('gzip'), sources, largest: largest(files) };
}

const largest = (files) => files.toSorted((a, b) => b.bytes - a.bytes).slice(0, 3);

rmSync(output, { force: true });
const workspaces = Object.fromEntries(names.map((name) => [name, measure(name)]));
const missing = Object.keys(workspaces).filter((name) => !workspaces[name]?.files);
if (missing.length > 0) {
  console.error(`nothing built in: ${missing.join(', ')}`);
  process.exit(1);
}

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const metrics = { version, commit: commit(), node: process.version, builtAt: new Date().toISOString(), workspaces };
writeFileSync(output, JSON.stringify(metrics, null, 2) + '\n');
for (const [name, { files, bytes, gzip }] of Object.entries(workspaces)) {
  console.log(`${name}: ${files} files, ${bytes} bytes, ${gzip} gzipped`);
}
