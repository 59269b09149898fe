import { readFileSync } from 'node:fs';

/** What is running: its version and the commit it was built from. */
export interface BuildInfo {
  version: string;
  sha: string;
}

/** The version is that of package.json where none is given. */
export function buildInfo(sha: string, version: string): BuildInfo {
  if (version !== '') return { version, sha };
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return { version: manifest.version, sha };
}
