// Runs every snippet of the documents as a reader would: each document in a project of its own, its snippets one after the other.
//
//   node scripts/snippets.mjs COMMAND PYTHON [DOCUMENT…]
//
// A fence's language says what is done with it: js, python and sh are run, console runs what stands behind `$`, toml and json that
// declare servers are written down and held against the command, rust is compiled. A comment before a fence says what is different:
//
//   <!-- file: NAME -->       it is a file of the project, for the snippets after it
//   <!-- before: CODE -->     run first, unseen, in the same language; the reader has it already
//   <!-- fails: TEXT -->      it must fail, and say so
//   <!-- skip: REASON -->     not run
//   <!-- examples/FILE -->    it is that file, or a part of it; the file is run elsewhere
//
// Nothing is substituted but the ports: those of the documents become free ones, since somebody may have theirs.

import { spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [given, interpreter, ...named] = process.argv.slice(2);
if (!interpreter) throw new Error('usage: snippets.mjs COMMAND PYTHON [DOCUMENT…]');
const [command, python] = [resolve(given), resolve(interpreter)];

/** The ports that documents speak of. */
const PORTS = ['1987', '1988', '3000', '5173', '5432', '8000', '8080'];
/** No snippet needs longer; one that hangs is shown as such. */
const LONGEST = 60_000;
/** As many documents at once as a small machine can bear. */
const AT_ONCE = 3;
/** Written by a program from what is tested elsewhere, or about the work on this project itself. */
const NOT_OURS = [/^docs\/reference\//, /^CHANGELOG\.md$/];

const documents = () => {
  const docs = readdirSync(join(root, 'docs'), { recursive: true }).map((name) => `docs/${name}`);
  const pages = ['README.md', 'bindings-node/README.md', 'bindings-python/README.md', 'cli/README.md', 'core/README.md', ...docs.sort()];
  return pages.filter((page) => page.endsWith('.md') && !NOT_OURS.some((pattern) => pattern.test(page)));
};

/** The fences of a document, with the comments right before them. */
const fences = (document) => {
  const found = [];
  let notes = {};
  let fence;
  readFileSync(join(root, document), 'utf8').split('\n').forEach((line, at) => {
    const edge = /^```([\w-]*)/.exec(line);
    if (fence && line === '```') {
      found.push(fence);
      [fence, notes] = [undefined, {}];
    } else if (fence) fence.lines.push(line);
    else if (edge) fence = { document, line: at + 1, language: edge[1], notes, lines: [] };
    else {
      const note = /^<!-- (file|before|fails|skip): (.*?) -->$/.exec(line);
      const example = /^<!-- (examples\/\S+) -->$/.exec(line);
      if (example) notes.example = example[1];
      else if (note) notes[note[1]] = notes[note[1]] ? `${notes[note[1]]}\n${note[2]}` : note[2];
      else if (line.trim()) notes = {};
    }
  });
  return found;
};

const freePort = () => new Promise((done, fail) => {
  const server = createServer().once('error', fail);
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => done(port));
  });
});

/** A project as the documents assume it: a server, the packages, a name of its own for the state. */
class Project {
  static async make() {
    const project = new Project();
    project.dir = mkdtempSync(join(tmpdir(), 'spawnlock-snippets-'));
    project.ports = new Map();
    for (const port of PORTS) project.ports.set(port, String(await freePort()));
    const server = readFileSync(join(root, 'examples/server.mjs'), 'utf8').replace('Date.now() + 1000', 'Date.now() + 50');
    project.write('server.js', server);
    project.write('package.json', JSON.stringify({ type: 'module', scripts: { start: 'node server.js', dev: 'node server.js 5173', test: 'node --test' } }));
    mkdirSync(join(project.dir, 'node_modules/.bin'), { recursive: true });
    symlinkSync(root, join(project.dir, 'node_modules/spawnlock'));
    symlinkSync(command, join(project.dir, 'node_modules/.bin/server-init'));
    const path = [join(project.dir, 'node_modules/.bin'), dirname(python), dirname(process.execPath), process.env.PATH];
    project.env = {
      ...process.env,
      PATH: path.join(':'),
      SPAWNLOCK_COMMAND: command,
      SPAWNLOCK_STATE_DIR: join(project.dir, 'state'),
      SPAWNLOCK_READY_TIMEOUT: '20s',
      XDG_RUNTIME_DIR: project.dir,
    };
    return project;
  }

  text(text) {
    return text.replace(new RegExp(`\\b(?:${PORTS.join('|')})\\b`, 'g'), (port) => this.ports.get(port));
  }

  write(name, text) {
    mkdirSync(dirname(join(this.dir, name)), { recursive: true });
    writeFileSync(join(this.dir, name), this.text(text));
    return name;
  }

  /** Runs a program of the snippet's to its end; what it leaves running is none of its output. */
  run(argv) {
    return new Promise((done) => {
      const child = spawn(argv[0], argv.slice(1), { cwd: this.dir, env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
      let said = '';
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
      const late = setTimeout(() => child.kill('SIGKILL'), LONGEST);
      child.once('error', (error) => done({ code: 127, said: String(error) }));
      child.once('exit', (code, signal) => {
        clearTimeout(late);
        // A server that has inherited our pipe would keep it open.
        setTimeout(() => done({ code: code ?? signal, said }), 20);
      });
    });
  }

  async clear() {
    await this.run([command, 'stop', '--all', '--stop-timeout', '2s']);
  }

  async end() {
    await this.clear();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Top-level `await` is written where a reader has a coroutine. */
const PYTHON_RUNNER = `import ast, asyncio, inspect, sys
code = compile(open(sys.argv[1]).read(), sys.argv[1], "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
names = {"__name__": "__main__"}
made = eval(code, names)
if inspect.iscoroutine(made):
    asyncio.run(made)
`;

const NAMES_OF_SERVERS = /^\[(?:tool\.spawnlock\.)?servers\.([\w-]+)\]/gm;

const runners = {
  js: (project, text) => {
    const file = project.write(/\brequire\(/.test(text) ? 'snippet.cjs' : 'snippet.mjs', text);
    return project.run([process.execPath, file]);
  },
  python: (project, text) => {
    project.write('.run.py', PYTHON_RUNNER);
    return project.run([python, '.run.py', project.write('snippet.py', text)]);
  },
  sh: (project, text) => project.run(['/bin/sh', '-eu', project.write('snippet.sh', text)]),
  console: (project, text) => {
    const commands = text.split('\n').filter((line) => line.startsWith('$ ')).map((line) => line.slice(2));
    return runners.sh(project, commands.join('\n'));
  },
  toml: (project, text) => declares(project, /^\[tool\./m.test(text) ? 'pyproject.toml' : 'spawnlock.toml', text, [...text.matchAll(NAMES_OF_SERVERS)].map(([, name]) => name)),
  json: (project, text) => {
    const { servers } = JSON.parse(text).spawnlock ?? {};
    return servers ? declares(project, 'package.json', text, Object.keys(servers)) : { code: 0, said: '' };
  },
};

/** What declares servers is taken as it stands by the command. */
const declares = async (project, file, text, names) => {
  project.write(file, text);
  for (const name of names) {
    const run = await project.run([command, 'ensure', name, '--config', file, '--dry-run']);
    if (run.code !== 0) return run;
  }
  return { code: names.length ? 0 : 1, said: 'no server is declared there' };
};

const runFence = async (project, fence) => {
  const { language, notes } = fence;
  const text = [...(notes.before ? [notes.before] : []), ...fence.lines, ''].join('\n');
  if (notes.skip) return { skipped: notes.skip };
  if (notes.example) {
    const same = readFileSync(join(root, notes.example), 'utf8').includes(fence.lines.join('\n').trim());
    return same ? { passed: true } : { failed: `it is not what stands in ${notes.example}` };
  }
  if (notes.file) {
    project.write(notes.file, text);
    if (text.startsWith('#!')) chmodSync(join(project.dir, notes.file), 0o755);
    return undefined;
  }
  if (language === 'text' || language === 'rust') return undefined;
  const run = runners[language];
  if (!run) return { failed: `nobody can run \`${language}\`: say what it is, or why it is skipped` };
  const { code, said } = await run(project, text);
  if (notes.fails) return code !== 0 && said.includes(notes.fails) ? { passed: true } : { failed: `it was to fail with ${notes.fails}; exit ${code}\n${said}` };
  return code === 0 ? { passed: true } : { failed: `exit ${code}\n${said}` };
};

const tally = { passed: 0, failed: 0, skipped: 0 };
const tell = (fence, { failed, skipped }) => {
  const where = `${fence.document}:${fence.line} ${fence.language}`;
  if (failed) console.log(`FAILED  ${where}: ${failed.trimEnd()}`);
  if (skipped) console.log(`skipped ${where}: ${skipped}`);
  tally[failed ? 'failed' : skipped ? 'skipped' : 'passed'] += 1;
};

const runDocument = async (document) => {
  const project = await Project.make();
  try {
    for (const fence of fences(document)) {
      const result = await runFence(project, fence);
      if (result) tell(fence, result);
      if (!fence.notes.file) await project.clear();
    }
  } finally {
    await project.end();
  }
};

/** All Rust at once, each snippet a function of one crate beside the others. */
const compileRust = async (documents) => {
  const snippets = documents.flatMap(fences).filter(({ language, notes }) => language === 'rust' && !notes.skip && !notes.example);
  if (!snippets.length) return;
  const dir = join(root, 'build/snippets');
  mkdirSync(join(dir, 'src'), { recursive: true });
  const core = JSON.stringify(join(root, 'core'));
  writeFileSync(join(dir, 'Cargo.toml'), `[package]\nname = "snippets"\nversion = "0.0.0"\nedition = "2024"\n[workspace]\n[dependencies]\nspawnlock = { path = ${core} }\n`);
  cpSync(join(root, 'Cargo.lock'), join(dir, 'Cargo.lock'));
  const uses = (lines, is) => lines.filter((line) => /^use /.test(line) === is).map((line) => `    ${line}\n`).join('');
  const functions = snippets.map(({ document, line, notes, lines }, at) =>
    /\bfn main\b/.test(lines.join('\n'))
      ? `mod snippet_${at} { // ${document}:${line}\n${lines.join('\n')}\n}\n`
      : `fn snippet_${at}() -> Result<(), Box<dyn std::error::Error>> { // ${document}:${line}\n${uses(lines, true)}${notes.before ?? ''}\n${uses(lines, false)}    Ok(())\n}\n`);
  writeFileSync(join(dir, 'src/lib.rs'), `#![allow(dead_code, unused)]\n${functions.join('\n')}`);
  const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');
  const project = { dir, env: process.env };
  const { code, said } = await Project.prototype.run.call(project, ['cargo', 'check', '--quiet', '--offline', '--target-dir', target]);
  for (const snippet of snippets) tell(snippet, code === 0 ? { passed: true } : { failed: 'see below' });
  if (code !== 0) console.log(said);
};

const all = named.length ? named : documents();
const missing = all.filter((document) => !existsSync(join(root, document)));
if (missing.length) throw new Error(`no such document: ${missing}`);
const waiting = [...all];
const worker = async () => {
  for (let document = waiting.shift(); document; document = waiting.shift()) await runDocument(document);
};
await Promise.all([compileRust(all), ...Array.from({ length: AT_ONCE }, worker)]);
console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
process.exitCode = tally.failed || !tally.passed ? 1 : 0;
