// Writes ESLint's results as JSON to $GONOGO_ESLINT_REPORT, then prints what the formatter that was asked for prints.
// ESLint can use one formatter at a time; this way the report exists and the reader still sees the usual text.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { createRequire } = require("node:module");
const { pathToFileURL } = require("node:url");

// `short` -> `eslint-formatter-short`, `@scope/short` -> `@scope/eslint-formatter-short`, as ESLint names them.
function packageOf(name) {
  const [scope, rest = ""] = name.startsWith("@") ? name.split("/") : ["", name];
  const bare = rest.startsWith("eslint-formatter") ? rest : rest ? `eslint-formatter-${rest}` : "eslint-formatter";
  return scope ? `${scope}/${bare}` : bare;
}

async function chosen(name) {
  const eslint = path.resolve(path.dirname(fs.realpathSync(process.argv[1])), "..");
  const builtIn = path.join(eslint, "lib", "cli-engine", "formatters", `${name}.js`);
  if (!/[\\/]/.test(name) && fs.existsSync(builtIn)) return require(builtIn);
  const here = createRequire(path.join(process.cwd(), "package.json"));
  const isPath = /^[./]/.test(name) || (name.includes("/") && !name.startsWith("@"));
  const file = isPath ? path.resolve(name) : here.resolve(packageOf(name));
  const loaded = await import(pathToFileURL(file).href);
  return loaded.default ?? loaded;
}

// What `--quiet` leaves: files with errors, and in them the errors (after ESLint.getErrorResults).
function errorsOnly(results) {
  const isError = (message) => message.severity === 2;
  return results
    .map((result) => ({
      ...result,
      messages: result.messages.filter(isError),
      suppressedMessages: (result.suppressedMessages ?? []).filter(isError),
      errorCount: result.messages.filter(isError).length,
      warningCount: 0,
      fixableWarningCount: 0,
    }))
    .filter((result) => result.messages.length > 0);
}

module.exports = async function format(results, context) {
  try {
    fs.writeFileSync(process.env.GONOGO_ESLINT_REPORT, JSON.stringify(results));
  } catch (error) {
    process.stderr.write(`gonogo: cannot write ESLint's report: ${error.message}\n`);
  }
  const formatter = await chosen(process.env.GONOGO_ESLINT_FORMAT || "stylish");
  return formatter(process.env.GONOGO_ESLINT_QUIET ? errorsOnly(results) : results, context);
};
