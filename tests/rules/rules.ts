import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { resolved, root, type Source } from './sources.ts';

/** A rule of the house: what breaks it, each in one sentence. */
export type Rule = (sources: readonly Source[]) => string[];

const isTest = (path: string): boolean => /\.test\.ts$|\/test\/|^tests\//.test(path);
const top = (path: string): string => path.split('/').slice(0, 2).join('/');
const isFree = (path: string): boolean => isTest(path) || /^(libs\/testing|deploy|proto)\//.test(path);

/** Rule 1: a domain imports only itself, the decider and temporal-polyfill. */
export const pureDomains: Rule = (sources) =>
  sources
    .filter(({ path }) => /^services\/[^/]+\/src\/domain\//.test(path) && !isTest(path))
    .flatMap((source) => {
      const home = source.path.slice(0, source.path.indexOf('/domain/') + '/domain/'.length);
      return source.imports
        .filter(
          ({ from }) =>
            !['@bandeng/decider', 'temporal-polyfill'].includes(from) && !resolved(source, from)?.startsWith(home),
        )
        .map(({ from }) => `${source.path} imports ${from}: a domain knows only itself and the decider`);
    });

/** Rule 2: a service never imports another service. */
export const separateServices: Rule = (sources) => {
  const names = new Set(
    sources.filter(({ path }) => path.startsWith('services/')).map(({ path }) => path.split('/')[1]),
  );
  return sources
    .filter(({ path }) => /^(services|libs)\//.test(path) && !path.startsWith('libs/testing/'))
    .flatMap((source) =>
      source.imports
        .filter(({ from }) => {
          const packaged = /^@bandeng\/([^/]+)/.exec(from)?.[1];
          const relative = resolved(source, from);
          const service =
            packaged !== undefined && names.has(packaged)
              ? `services/${packaged}`
              : relative?.startsWith('services/')
                ? top(relative)
                : undefined;
          return service !== undefined && service !== top(source.path);
        })
        .map(({ from }) => `${source.path} imports ${from}: a service talks to another by contract or by event`),
    );
};

/** Rule 3: each outside system is reached through one lib. */
const gates: readonly { readonly pattern: RegExp; readonly only: RegExp; readonly through: string }[] = [
  { pattern: /^@grpc\//, only: /^libs\/rpc\/|^libs\/contracts\/src\/catalogue\.ts$/, through: 'rpc' },
  { pattern: /^@nats-io\//, only: /^libs\/events\//, through: 'events' },
  { pattern: /^@opentelemetry\/(sdk|instrumentation|exporter)/, only: /^libs\/telemetry\//, through: 'telemetry' },
  {
    pattern: /^mongodb$/,
    only: /^libs\/records\/|^services\/[^/]+\/src\/(queries|sweeps)\.ts$|^services\/identity\/src\/oidc-store\.ts$|^libs\/files\//,
    through: 'records',
  },
];
export const gatedSystems: Rule = (sources) =>
  sources
    .filter(({ path }) => !isFree(path))
    .flatMap((source) =>
      source.imports.flatMap(({ from }) =>
        gates
          .filter(({ pattern, only }) => pattern.test(from) && !only.test(source.path))
          .map(({ through }) => `${source.path} imports ${from}: reach it through ${through}`),
      ),
    );

/** Rule 8: no cycles between files. */
export const noCycles: Rule = (sources) => {
  const edges = new Map(
    sources.map((source) => [
      source.path,
      source.imports
        .flatMap(({ from, typeOnly }) => (typeOnly ? [] : [resolved(source, from) ?? packageEntry(from)]))
        .filter((path) => path !== undefined),
    ]),
  );
  const faults: string[] = [];
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) faults.push(`${[...trail.slice(at), path].join(' → ')}: a cycle`);
    if (at >= 0 || done.has(path)) return;
    for (const next of edges.get(path) ?? []) walk(next, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) walk(path, []);
  return faults;
};

function packageEntry(from: string): string | undefined {
  const name = /^@bandeng\/([a-z]+)$/.exec(from)?.[1];
  return name === undefined ? undefined : `libs/${name}/src/index.ts`;
}

/** Rule 8: at most 400 lines a file, 40 a main.ts. */
export const shortFiles: Rule = (sources) =>
  sources.flatMap(({ path, lines }) => {
    const most = /^services\/[^/]+\/src\/main\.ts$/.test(path) ? 40 : 400;
    return lines > most ? [`${path} has ${lines} lines: ${most} at most`] : [];
  });

/** Files that may assert types, because they turn what comes from outside into types. */
const adapters = [
  /^libs\/(records|events|rpc|contracts|testing)\//,
  /^services\/identity\/src\/(oidc|provider)/,
  /^services\/gateway\/src\//,
  /^services\/[^/]+\/src\/(representation|spelling)\.ts$/, // words of the domain and their spelling in the contracts
  /^proto\//,
  /^deploy\//,
];
/** Rule 8: no `any` and no `as` outside adapters. */
export const honestTypes: Rule = (sources) =>
  sources
    .filter(({ path }) => !isTest(path) && !adapters.some((adapter) => adapter.test(path)))
    .flatMap(({ path, loose }) => loose.map(({ line, what }) => `${path}:${line} says '${what}': only adapters may`));

/** What a lib exports says what it is: units and errors are not in a type. */
export const documentedLibs: Rule = (sources) =>
  sources
    .filter(({ path }) => /^libs\/[^/]+\/src\//.test(path) && !isTest(path))
    .flatMap(({ path, undocumented }) =>
      undocumented.map(({ line, name }) => `${path}:${line} has '${name}' without a doc comment`),
    );

/** Names of files: nouns of the field. */
export const nounNames: Rule = (sources) =>
  sources
    .filter(({ path }) => /(^|\/)(utils?|helpers?|common|shared|manager|misc)(\.|\/|-)/.test(path))
    .map(({ path }) => `${path}: a file is named by a noun of the field`);

/** Every package has its page. */
export const pages: Rule = (sources) =>
  [
    ...new Set(
      sources
        .map(({ path }) => path)
        .filter((path) => /^(libs|services)\//.test(path))
        .map(top),
    ),
  ]
    .filter((folder) => !existsSync(join(root, folder, 'README.md')))
    .map((folder) => `${folder} has no README.md`);
