import { createReadStream, readFileSync, statSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
};

/** The file that a URL's path names below `root`; undefined where there is none, or where it leads outside. */
export function fileFor(root: string, urlPath: string): string | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(urlPath);
  } catch {
    return undefined;
  }
  if (decoded.includes('\0')) return undefined;
  const path = normalize(join(root, decoded.endsWith('/') ? `${decoded}index.html` : decoded));
  if (!path.startsWith(normalize(root) + sep)) return undefined;
  return statSync(path, { throwIfNoEntry: false })?.isFile() ? path : undefined;
}

export function sendFile(path: string, response: ServerResponse): void {
  const lasting = path.includes(`${sep}assets${sep}`);
  response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
  response.setHeader('cache-control', lasting ? 'public, max-age=31536000, immutable' : 'no-cache');
  createReadStream(path)
    .on('error', () => response.destroy())
    .pipe(response);
}

/** A page names the release that serves it: `__NAME__` in it becomes the value of that name. */
export function sendPage(path: string, values: Record<string, string>, response: ServerResponse): void {
  const page = readFileSync(path, 'utf8').replaceAll(/__([A-Z]+)__/g, (whole, name: string) =>
    name in values ? escaped(values[name]!) : whole,
  );
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.setHeader('cache-control', 'no-cache');
  response.end(page);
}

const escaped = (text: string) => text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
