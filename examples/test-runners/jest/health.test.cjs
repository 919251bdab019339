test('it is healthy', async () => {
  const answer = await fetch(new URL('/health', process.env.SPAWNLOCK_API_URL));
  expect(await answer.json()).toMatchObject({ status: 'ok' });
});
