test('its page greets', async () => {
  const answer = await fetch(new URL('/', process.env.SPAWNLOCK_API_URL));
  expect(await answer.text()).toContain('Hello from process');
});
