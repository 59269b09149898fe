import { describe, expect, it } from 'vitest';
import { Vault } from '../../src/vault.js';

const vault = new Vault(new Uint8Array(32).fill(7));

describe('Vault', () => {
  it('opens what it sealed', () => {
    expect(vault.open(vault.seal('for the children, früh'))).toBe('for the children, früh');
  });

  it('seals the same words differently each time', () => {
    expect(vault.seal('secret')).not.toBe(vault.seal('secret'));
  });

  it('leaves nothing as nothing', () => {
    expect(vault.seal('')).toBe('');
    expect(vault.open('')).toBe('');
  });

  it('refuses what was altered', () => {
    const bytes = Buffer.from(vault.seal('secret'), 'base64');
    bytes[bytes.length - 1]! ^= 1;
    expect(() => vault.open(bytes.toString('base64'))).toThrow();
  });

  it('refuses what another key sealed, and a key of another length', () => {
    const other = new Vault(new Uint8Array(32).fill(8));
    expect(() => vault.open(other.seal('secret'))).toThrow();
    expect(() => new Vault(new Uint8Array(16))).toThrow(RangeError);
  });
});
