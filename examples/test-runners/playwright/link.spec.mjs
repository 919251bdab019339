import { expect, test } from '@playwright/test';

test('its page leads to its health', async ({ page }) => {
  await page.goto('/');
  await page.getByRole('link', { name: '/health' }).click();
  await expect(page.locator('body')).toContainText('"status":"ok"');
});
