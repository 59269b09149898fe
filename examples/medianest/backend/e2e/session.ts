import { expect, test as base, type APIRequestContext } from '@playwright/test';

/** Tests that log in: `member` calls the API as somebody nobody else is. */
export const test = base.extend<{ member: APIRequestContext }>({
  member: async ({ playwright, request, baseURL }, use) => {
    const name = `e2e-${crypto.randomUUID()}`;
    const response = await request.post('/api/session', { data: { name, accessCode: process.env.ACCESS_CODE } });
    expect(response.status(), await response.text()).toBe(201);
    const { token } = (await response.json()) as { token: string };
    const member = await playwright.request.newContext({
      baseURL,
      extraHTTPHeaders: { authorization: `Bearer ${token}` },
    });
    await use(member);
    await member.dispose();
  },
});

export { expect };
