// Runs make targets one after the other, all of them even when one fails, and says at the end how each went:
// the line in which its runners counted their tests, and the time it took.
//
//   node scripts/stages.mjs TARGET…

import { spawn } from 'node:child_process';

/** The lines in which runners count: cargo-nextest, cargo test, node:test, pytest, ruff, mypy, stubtest, the checks of packages, our scripts. */
const COUNTS = [
  /^ *Summary .*tests? run: .*/,
  /^test result: .*/,
  /^(?:ℹ|#) (?:tests|pass|fail) \d+$/,
  /^(?:=+ )?\d+ (?:passed|failed).* in [\d.]+s.*/,
  /^Success: no issues found .*/,
  /^All checks passed!$/,
  /^\d+ passed, \d+ failed, \d+ skipped$/,
  /^(?:ok|skipped|FAILED) {2,}\w+ .*/,
];

const run = (target) => new Promise((resolve, reject) => {
  const begun = Date.now();
  const child = spawn('make', ['--no-print-directory', target], { stdio: ['ignore', 'pipe', 'pipe'], env: environment() });
  const counts = [];
  const watch = (from, to) => {
    let rest = '';
    from.setEncoding('utf8').on('data', (text) => {
      to.write(text);
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines.map(plain)) if (COUNTS.some((count) => count.test(line))) counts.push(line.trim());
    });
  };
  watch(child.stdout, process.stdout);
  watch(child.stderr, process.stderr);
  child.once('error', reject).once('close', (code) => resolve({ target, code, counts, seconds: (Date.now() - begun) / 1000 }));
});

/** A make of its own: the job server of the one that called us is not handed on. */
const environment = () => {
  const { MAKEFLAGS, MFLAGS, MAKELEVEL, ...rest } = process.env;
  return rest;
};

const plain = (line) => line.replace(/\u001b\[[0-9;]*m/g, '');

const results = [];
for (const target of process.argv.slice(2)) {
  console.log(`\n━━ make ${target}`);
  results.push(await run(target));
}

console.log('\n━━ summary');
for (const { target, code, counts, seconds } of results) {
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'}  ${target.padEnd(14)}${seconds.toFixed(0).padStart(5)} s`);
  for (const count of counts) console.log(`          ${count}`);
}
process.exitCode = results.some(({ code }) => code !== 0) ? 1 : 0;
