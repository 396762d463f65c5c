import { rpcs, type ServiceName } from '@bandeng/contracts';
import { type Handlers, type Implementation, implement } from '@bandeng/rpc';

/** A service that answers what a test needs of it, for the tests of its neighbours; whatever else it is asked fails. */
export function standIn<S extends ServiceName>(service: S, answers: Partial<Handlers<S, never>>): Implementation {
  const others = rpcs
    .filter((rpc) => rpc.service === service)
    .map(({ method, name }) => [
      method,
      async () => {
        throw new Error(`this ${service} does not answer ${name}`);
      },
    ]);
  // Every RPC is there: those of the test under its types, the others by name.
  return implement<S, never>(service, { ...Object.fromEntries(others), ...answers } as Handlers<S, never>, {});
}

/** What every service asks of identity before it answers anybody: by which keys tokens are signed, and who was ended. */
export function identityWith(
  answers: Partial<Handlers<'identity', never>> & Pick<Handlers<'identity', never>, 'getKeySet'>,
): Implementation {
  const listEnded = async () => ({ people: [], clients: [], grants: [], asOf: new Date(), more: false });
  return standIn('identity', { listEnded, ...answers });
}
