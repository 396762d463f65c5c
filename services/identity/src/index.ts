export { identity } from './main.ts';
export { seedIdentity } from './seed.ts';
