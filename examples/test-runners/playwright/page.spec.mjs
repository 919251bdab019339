import { expect, test } from '@playwright/test';

test('its page greets', async ({ page }) => {
  await page.goto('/');
  await expect(page.getByRole('heading')).toContainText('Hello from process');
});
