import type { Contracts } from '../../libs/contracts/src/index.ts';
import { foldersIn, sourcesBelow } from './pages.ts';

/** A service as its neighbours see it. */
export interface HouseService {
  readonly name: string;
  /** How many routes the gateway passes on to it. */
  readonly routes: number;
  /** Its public events. */
  readonly events: readonly string[];
  /** Services that it calls, beyond what every service calls. */
  readonly calls: readonly string[];
  /** Services whose events it reacts to. */
  readonly reactsTo: readonly string[];
  /** Whether it follows streams for whoever is connected to it. */
  readonly listensLive: boolean;
  /** The gateway owns nothing. */
  readonly hasDatabase: boolean;
}

/** The house as the code says it. */
export interface House {
  readonly services: readonly HouseService[];
  /** What every service with a database calls: for its directory and for the keys of tokens. */
  readonly callsOfAll: readonly string[];
  /** Whose events every such service follows, to keep its directory. */
  readonly followedByAll: readonly string[];
}

/** Reads contracts, reactions and calls between services. */
export function houseOf({ services, rpcs, events }: Contracts): House {
  const owners = services.map(({ name }) => name);
  const calledIn = (text: string): string[] =>
    owners.filter((owner) => new RegExp(`\\bclients\\s*\\.${owner}\\b`).test(text));
  const all = new Set(
    calledIn(
      sourcesBelow('libs/service/src')
        .map(({ text }) => text)
        .join('\n'),
    ),
  );
  return {
    callsOfAll: [...all].sort(),
    followedByAll: owners.filter((owner) =>
      sourcesBelow('libs/directory/src', 'libs/service/src').some(({ text }) =>
        new RegExp(`\\blive\\(\\s*\\[?'${owner}'`).test(text),
      ),
    ),
    services: foldersIn('services').map((name) => {
      const sources = sourcesBelow(`services/${name}/src`);
      const text = sources.map((source) => source.text).join('\n');
      const routes = rpcs.filter((rpc) => rpc.service === name && rpc.http !== undefined).length;
      // Whoever reacts says the types of the events somewhere in its sources.
      const reacts = sources.some(({ path }) => path.endsWith('/reactions.ts'));
      const heard = events.filter(({ service, type }) => service !== name && text.includes(`'${type}'`));
      return {
        name,
        routes,
        events: events.filter(({ service }) => service === name).map((event) => event.name),
        calls: calledIn(text).filter((other) => other !== name),
        reactsTo: reacts ? [...new Set(heard.map(({ service }) => service))].sort() : [],
        listensLive: /\bbus\s*\.live\(/.test(text),
        hasDatabase: !/\bdatabase: false\b/.test(text),
      };
    }),
  };
}
