// Writes ESLint's results as JSON to $GONOGO_ESLINT_REPORT, then prints what the formatter that was asked for prints.
// ESLint can use one formatter at a time; this way the report exists and the reader still sees the usual text.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { createRequire } = require("node:module");
const { pathToFileURL } = require("node:url");

async function chosen(name) {
  const eslint = path.resolve(path.dirname(fs.realpathSync(process.argv[1])), "..");
  const builtIn = path.join(eslint, "lib", "cli-engine", "formatters", `${name}.js`);
  if (!/[\\/]/.test(name) && fs.existsSync(builtIn)) return require(builtIn);
  const here = createRequire(path.join(process.cwd(), "package.json"));
  const scoped = name.startsWith("@") ? name.replace(/^(@[^/]+)(?:\/(?:eslint-formatter-)?(.*))?$/, (_, s, n) => `${s}/eslint-formatter${n ? `-${n}` : ""}`) : `eslint-formatter-${name.replace(/^eslint-formatter-/, "")}`;
  const file = /^(\.|\/)/.test(name) || (name.includes("/") && !name.startsWith("@")) ? path.resolve(name) : here.resolve(scoped);
  const loaded = await import(pathToFileURL(file).href);
  return loaded.default ?? loaded;
}

module.exports = async function format(results, context) {
  try {
    fs.writeFileSync(process.env.GONOGO_ESLINT_REPORT, JSON.stringify(results));
  } catch (error) {
    process.stderr.write(`gonogo: cannot write ESLint's report: ${error.message}\n`);
  }
  const formatter = await chosen(process.env.GONOGO_ESLINT_FORMAT || "stylish");
  return formatter(results, context);
};
