export { tickets } from './main.ts';
