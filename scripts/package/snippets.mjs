// The JavaScript and TypeScript in the documents, held to the types of the installed package.

import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { root, run } from './tools.mjs';

const FENCE = /^```(?:js|mjs|javascript|ts|typescript)\n([\s\S]*?)^```$/gm;

/** What snippets speak of without making it. */
const GIVEN = 'declare const path: string\n';

/** Type-checks all snippets at once, each a module of its own. */
export function snippets(project) {
  for (const types of ['@types/node', 'undici-types']) cpSync(join(root, 'node_modules', types), join(project, 'node_modules', types), { recursive: true });
  const dir = join(project, 'snippets');
  mkdirSync(dir);
  writeFileSync(join(dir, 'given.d.ts'), GIVEN);
  const names = Object.keys(createRequire(join(project, 'package.json'))('spawnlock'));
  const texts = documents().flatMap(fences);
  if (texts.length === 0) throw new Error('there are no snippets');
  for (const [name, text] of texts) writeFileSync(join(dir, name), whole(text, names));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const flags = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2022', '--types', 'node', '--lib', 'esnext', '--skipLibCheck'];
  const files = ['given.d.ts', ...texts.map(([name]) => name)].map((name) => join('snippets', name));
  run(process.execPath, [tsc, ...flags, ...files], { cwd: project });
}

function documents() {
  const docs = readdirSync(join(root, 'docs'), { recursive: true }).map((file) => join('docs', file));
  return ['README.md', 'bindings-node/README.md', ...docs].filter((file) => file.endsWith('.md'));
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
