export * from './api.js';
export * from './media.js';
export * from './requests.js';
export * from './schema.js';
