// Looks at the packages as their users get them, by the tools of each ecosystem and by using them. `make test-packages` has built what it needs.
//   node check.mjs WHEEL FIXTURE [word…]      only the checks in whose names such a word stands

import { npmChecks } from './npm.mjs';
import { pythonChecks } from './python.mjs';
import { rustChecks } from './rust.mjs';
import { Skipped, emptied } from './tools.mjs';

const [wheel, fixture, ...words] = process.argv.slice(2);
const dir = emptied('work');
const all = [...npmChecks(dir, fixture), ...pythonChecks(dir, fixture, wheel), ...rustChecks()];
const wanted = all.filter(([name]) => words.length === 0 || words.some((word) => name.includes(word)));

const counts = { passed: 0, failed: 0, skipped: 0 };
for (const [name, check] of wanted) {
  const begun = Date.now();
  const [how, why] = await outcome(check);
  counts[how] += 1;
  console.log(`${how.padEnd(8)}${name}  (${((Date.now() - begun) / 1000).toFixed(1)} s)${why}`);
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 ? 1 : 0;

async function outcome(check) {
  try {
    await check();
    return ['passed', ''];
  } catch (error) {
    return error instanceof Skipped ? ['skipped', `: ${error.message}`] : ['failed', `\n${indented(error.message)}`];
  }
}

function indented(text) {
  return text.trimEnd().replace(/^/gm, '        ');
}
