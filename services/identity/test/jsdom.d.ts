/** As much of jsdom as the tests use: its published types would bring those of browsers into all sources. */
declare module 'jsdom' {
  export class JSDOM {
    constructor(html: string, options: { runScripts: 'outside-only'; pretendToBeVisual: boolean });
    readonly window: { eval(code: string): unknown; close(): void };
  }
}
