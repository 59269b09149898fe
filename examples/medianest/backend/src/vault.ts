import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const NONCE = 12;
const TAG = 16;

/** Seals what members write in confidence, so that a copy of the database does not tell it (AES-256-GCM). */
export class Vault {
  constructor(private readonly key: Uint8Array) {
    if (key.length !== 32) throw new RangeError('the key must have 32 bytes');
  }

  seal(plain: string): string {
    if (plain === '') return '';
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv('aes-256-gcm', this.key, nonce);
    const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64');
  }

  /** Throws where the text was altered or sealed with another key. */
  open(sealed: string): string {
    if (sealed === '') return '';
    const bytes = Buffer.from(sealed, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', this.key, bytes.subarray(0, NONCE));
    decipher.setAuthTag(bytes.subarray(NONCE, NONCE + TAG));
    return Buffer.concat([decipher.update(bytes.subarray(NONCE + TAG)), decipher.final()]).toString('utf8');
  }
}
