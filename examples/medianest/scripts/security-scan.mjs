// Looks through every tracked source file for patterns that have hurt before; see docs/security.md for the rules.
// Prints each finding, writes security-scan.sarif, exits 1 on critical or high ones and 2 where there was nothing to look at.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** `score` is what SARIF calls security-severity: from 9 critical, from 7 high, from 4 medium. */
const RULES = [
  { id: 'code-from-text', score: 9.3, pattern: /\beval\(|\bnew Function\(/, help: 'never run text as code' },
  {
    id: 'sql-from-parts',
    score: 9.1,
    pattern: /\.query(?:<[^>]*>)?\(\s*(?:'[^']*'\s*\+|"[^"]*"\s*\+|`[^`]*\$\{(?!COLUMNS\}|LOCK_TIMEOUT_MS\}))/,
    help: 'give values as parameters: query(sql, [value])',
  },
  {
    id: 'secret-in-source',
    score: 8.6,
    pattern: /(?:secret|password|api_?key|token)\w*\s*[:=]\s*['"][A-Za-z0-9+/_=-]{16,}['"]/i,
    help: 'read it from a variable',
    skip: /(?:^|\/)(?:test|e2e)\/|playwright\.config\.ts$/,
  },
  {
    id: 'private-key',
    score: 9.8,
    pattern: /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/,
    help: 'remove it, and replace the key',
  },
  {
    id: 'tls-unchecked',
    score: 7.4,
    pattern: /rejectUnauthorized:\s*false|NODE_TLS_REJECT_UNAUTHORIZED/,
    help: 'check certificates',
  },
  { id: 'shell-from-parts', score: 8.8, pattern: /\bexec(?:Sync)?\(\s*`[^`]*\$\{/, help: 'use execFile with a list' },
  {
    id: 'markup-from-text',
    score: 7.1,
    pattern: /\.(?:inner|outer)HTML\s*=|insertAdjacentHTML\(|document\.write\(/,
    help: 'use textContent',
  },
  {
    id: 'jwt-without-signature',
    score: 9.1,
    pattern: /alg(?:orithms?)?['"]?\s*:\s*\[?\s*['"]none['"]/i,
    help: 'name the algorithm',
    skip: /\/test\//,
  },
  { id: 'weak-random', score: 5.3, pattern: /Math\.random\(/, help: 'use node:crypto for anything secret' },
  { id: 'weak-digest', score: 5.0, pattern: /createHash\(['"](?:md5|sha1)['"]/, help: 'use sha256' },
];

const level = (score) => (score >= 9 ? 'critical' : score >= 7 ? 'high' : score >= 4 ? 'medium' : 'low');

function sources() {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '.'], {
    cwd: root,
    encoding: 'utf8',
  });
  const own = join('scripts', 'security-scan.mjs');
  return listed.split('\0').filter((path) => /\.(?:[cm]?[jt]s|html|sql|sh)$/.test(path) && path !== own);
}

function scan(path) {
  const text = readFileSync(join(root, path), 'utf8');
  return RULES.filter((rule) => !rule.skip?.test(path)).flatMap((rule) =>
    [...text.matchAll(new RegExp(rule.pattern, rule.pattern.flags + 'g'))].map((match) => {
      const before = text.slice(0, match.index).split('\n');
      return { rule, path, line: before.length, column: before.at(-1).length + 1 };
    }),
  );
}

function sarif(findings) {
  const rules = RULES.map(({ id, score, help }) => ({
    id,
    shortDescription: { text: help },
    properties: { 'security-severity': score.toFixed(1), tags: ['security'] },
  }));
  const results = findings.map(({ rule, path, line, column }) => ({
    ruleId: rule.id,
    level: rule.score >= 7 ? 'error' : 'warning',
    message: { text: rule.help },
    locations: [
      { physicalLocation: { artifactLocation: { uri: path }, region: { startLine: line, startColumn: column } } },
    ],
  }));
  const driver = { name: 'medianest-security-scan', rules };
  return {
    version: '2.1.0',
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    runs: [{ tool: { driver }, results }],
  };
}

const files = sources();
if (files.length === 0) {
  console.error('nothing to look at: no source files here');
  process.exit(2);
}
const findings = files.flatMap(scan);
writeFileSync(join(root, 'security-scan.sarif'), JSON.stringify(sarif(findings), null, 2) + '\n');
for (const { rule, path, line, column } of findings) {
  console.log(`${path}:${line}:${column} ${level(rule.score)} ${rule.id}: ${rule.help}`);
}
const grave = findings.filter(({ rule }) => rule.score >= 7).length;
console.log(`${files.length} files, ${RULES.length} rules: ${findings.length} findings, ${grave} critical or high`);
process.exitCode = grave > 0 ? 1 : 0;
