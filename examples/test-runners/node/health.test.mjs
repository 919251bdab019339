import assert from 'node:assert/strict';
import { test } from 'node:test';

import { useServer } from 'spawnlock/test';

// Each file is a process of its own: the server waits five seconds for the next one.
const api = await useServer({ name: 'api', linger: 5_000 });

test('it is healthy', async () => {
  const answer = await fetch(`${api.url}/health`);
  assert.equal((await answer.json()).status, 'ok');
});
