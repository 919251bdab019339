import assert from 'node:assert/strict';
import { test } from 'node:test';

import { useServer } from 'spawnlock/test';

const api = await useServer({ name: 'api', linger: 5_000 });

test('its page greets', async () => {
  const answer = await fetch(api.url);
  assert.match(await answer.text(), /Hello from process/);
});
