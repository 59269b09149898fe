import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { issueToken, readToken, sameCode } from '../../src/auth.js';

const secret = new TextEncoder().encode('s'.repeat(32));
const other = new TextEncoder().encode('o'.repeat(32));

describe('tokens', () => {
  it('tell whose they are', async () => {
    const { token, expiresAt } = await issueToken(secret, 'Ada');
    expect(await readToken(secret, token)).toBe('Ada');
    expect(Date.parse(expiresAt) - Date.now()).toBeGreaterThan(3_500_000);
  });

  it('end after an hour', async () => {
    const { token } = await issueToken(secret, 'Ada', Date.now() - 3_601_000);
    await expect(readToken(secret, token)).rejects.toMatchObject({ httpStatus: 401, code: 'token-expired' });
  });

  it('hold with their own secret only', async () => {
    const { token } = await issueToken(other, 'Ada');
    await expect(readToken(secret, token)).rejects.toMatchObject({ httpStatus: 401, code: 'token-invalid' });
  });

  it('of another issuer, without a name, or without a signature do not hold', async () => {
    const foreign = await new SignJWT().setProtectedHeader({ alg: 'HS256' }).setSubject('Ada').sign(secret);
    const nameless = await new SignJWT().setProtectedHeader({ alg: 'HS256' }).setIssuer('medianest').sign(secret);
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${foreign.split('.')[1]}.`;
    for (const token of [foreign, nameless, unsigned, 'nonsense']) {
      await expect(readToken(secret, token)).rejects.toMatchObject({ code: 'token-invalid' });
    }
  });
});

describe('sameCode', () => {
  it('compares whole codes of any length', () => {
    expect(sameCode('open sesame', 'open sesame')).toBe(true);
    expect(sameCode('open', 'open sesame')).toBe(false);
    expect(sameCode('', 'open sesame')).toBe(false);
  });
});
