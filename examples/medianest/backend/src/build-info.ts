import { readFileSync } from 'node:fs';

/** What is running: the version of package.json and the commit it was built from. */
export interface BuildInfo {
  version: string;
  sha: string;
}

export function buildInfo(sha: string): BuildInfo {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return { version: manifest.version, sha };
}
