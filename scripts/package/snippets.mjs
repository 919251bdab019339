// The JavaScript and TypeScript in the documents, held to the types of the installed package.

import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { root, run } from './tools.mjs';

/** One that is a file for others, an example or not run is marked, as scripts/snippets.mjs has it, and looked at there. */
const FENCE = /(?<!<!-- (?:file|skip|examples)[^\n]*\n)^```(?:js|mjs|javascript|ts|typescript)\n([\s\S]*?)^```$/gm;

/** What snippets speak of without making it: a path, test runners, files beside them. */
const GIVEN = `declare const path: string
declare module '*.js'
declare module '@playwright/test'
declare module 'vitest'
declare module 'vitest/config'
`;

/** Type-checks all snippets at once, each a module of its own. */
export function snippets(project) {
  for (const types of ['@types/node', 'undici-types'].map((name) => join('node_modules', name))) {
    cpSync(join(root, types), join(project, types), { recursive: true });
  }
  const dir = join(project, 'snippets');
  mkdirSync(dir);
  writeFileSync(join(dir, 'given.d.ts'), GIVEN);
  const names = Object.keys(createRequire(join(project, 'package.json'))('spawnlock'));
  const texts = documents().flatMap(fences);
  if (texts.length === 0) throw new Error('there are no snippets');
  for (const [name, text] of texts) writeFileSync(join(dir, name), whole(text, names));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  // JavaScript may leave the types of arguments out.
  const how = ['--strict', '--noImplicitAny', 'false', '--noEmit', '--skipLibCheck'];
  const flags = [...how, '--module', 'nodenext', '--target', 'es2022', '--types', 'node', '--lib', 'esnext,dom'];
  const files = ['given.d.ts', ...texts.map(([name]) => name)].map((name) => join('snippets', name));
  run(process.execPath, [tsc, ...flags, ...files], { cwd: project });
}

function documents() {
  const docs = readdirSync(join(root, 'docs'), { recursive: true }).map((file) => join('docs', file));
  // The reference is made from the declarations, and has nothing else in it.
  const written = docs.filter((file) => !file.startsWith(join('docs', 'reference')));
  return ['README.md', 'bindings-node/README.md', ...written].filter((file) => file.endsWith('.md'));
}

/** The snippets of a document, each with a file name that leads back to it. */
function fences(document) {
  const text = readFileSync(join(root, document), 'utf8');
  const line = (index) => text.slice(0, index).split('\n').length;
  return [...text.matchAll(FENCE)].map((found) => [`${document.replaceAll('/', '-')}-${line(found.index)}.mts`, found[1]]);
}

/** A module of a snippet: `(…)` stands for what anybody can think up, and the package's names need no import. */
function whole(text, names) {
  const module = text.replaceAll('(…)', '()').replace(/^const (\{[^}]*\}) = require\('([^']+)'\)/gm, "import $1 from '$2'");
  if (/from 'spawnlock'/.test(module)) return module;
  const used = names.filter((name) => new RegExp(`\\b${name}\\b`).test(module));
  return `import { ${used.join(', ')} } from 'spawnlock'\n${module}`;
}
