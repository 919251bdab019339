// What people are shown of a call, on the stderr of the process that makes it.

import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { ensureServer, SpawnlockError } from 'spawnlock';

import { scene } from './scene.mjs';

const plain = { CI: '', NO_COLOR: '', CLICOLOR_FORCE: '', TERM: 'xterm' };

/** A module that ensures the server of the scene with `progress`. */
const ensures = (progress) => `await ensureServer({ ...scene.options, progress: ${JSON.stringify(progress)} })`;

test('progress is shown in lines where stderr is no terminal', async (t) => {
  const it = await scene(t);
  const { code, stderr } = await it.script(ensures(true), { flags: ['--initializing', '50'] });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^spawnlock: started `.*` as pid \d+\nspawnlock: server "api" is ready\n$/);
});

test('by default, with false, and with auto where nobody looks on, nothing is shown', async (t) => {
  for (const progress of [undefined, false, 'auto']) {
    const it = await scene(t);
    const { code, stderr } = await it.script(ensures(progress), { flags: ['--initializing', '50'] });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, `progress: ${progress}`);
  }
});

test('on a terminal there is one live line, and it is gone at the end', async (t) => {
  if (!existsSync('/usr/bin/script')) return t.skip('the tool script is not here');
  for (const progress of [true, 'auto']) {
    const it = await scene(t);
    const options = { ...it.options('--print', 'Loading models', '--initializing', '400'), progress };
    const file = join(it.dir, 'ensures.mjs');
    writeFileSync(
      file,
      `import { ensureServer } from ${JSON.stringify(import.meta.resolve('spawnlock'))}
await ensureServer(${JSON.stringify(options)})`,
    );
    const line = `'${process.execPath}' '${file}'`;
    const { code, stdout } = await it.run('/usr/bin/script', ['-qec', line, '/dev/null'], plain).ended;
    assert.equal(code, 0, stdout);
    assert.match(stdout, /api: starting, .* \| Loading models/);
    assert.ok(stdout.endsWith('\r\u001b[2Kspawnlock: server "api" is ready\r\n'), JSON.stringify(stdout));
  }
});

test('a wrong word names the option', async () => {
  for (const progress of ['sometimes', 5, null]) {
    const call = ensureServer({ name: 'api', ready: 'tcp:127.0.0.1:1', progress });
    await assert.rejects(call, (error) => error instanceof SpawnlockError && /option `progress`/.test(error.message), `${progress}`);
  }
});

test('the event of a start names the log', async (t) => {
  const it = await scene(t);
  const events = [];
  const server = await ensureServer({ ...it.options(), onEvent: (event) => events.push(event) });
  assert.deepEqual(
    events.map(({ kind, logFile }) => [kind, logFile]),
    [
      ['starting', server.logFile],
      ['ready', undefined],
    ],
  );
});
