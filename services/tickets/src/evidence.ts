/** Photos and documents of a ticket: taken in, looked at, kept, and given to whoever may read the ticket. */
import type * as contract from '@bandeng/contracts/tickets';
import { isRefused, type Refused, refuse } from '@bandeng/decider';
import { type InspectionRefusal, inspect } from '@bandeng/files';
import type { Actor } from '@bandeng/records';
import { type Call, failures, largestFile, RpcFailure } from '@bandeng/rpc';
import { hidden } from '@bandeng/service';
import { callerKey, type Desk, followerKey, present } from './desk.ts';
import { hindrance } from './domain/actions.ts';
import { passTime } from './domain/passing-time.ts';
import { followHash } from './follow-codes.ts';
import { followedTicket } from './following.ts';
import { ticketByFollowHash } from './queries.ts';
import type { Refusal } from './refusals.ts';
import type { StoredTicket } from './representation.ts';
import { objectOf } from './sight.ts';
import { spelledKind } from './spelling.ts';

/** By what a ticket is named, and so by what right it is opened. */
type Named = Pick<contract.AddEvidenceRequest, 'id' | 'code'>;

/** What became of a file that is not taken. What is too much for now is answered as when too many call. */
function refusedFile({ refused, ...about }: Refused<InspectionRefusal | 'overloaded'>): Refused<Refusal> {
  if (refused === 'overloaded') throw new RpcFailure(failures.overloaded());
  return refuse(refused, about);
}

export function evidence(desk: Desk) {
  const { house, tickets, files } = desk;

  /** The id of the ticket that is named; the holder of a code is let in by it alone. */
  async function idOf({ id, code }: Named): Promise<string | undefined> {
    return code === '' ? id : ticketByFollowHash(tickets, followHash(code));
  }

  /** By what right a file may be added, if the ticket takes one where it stands. */
  function admit({ code }: Named, call: Call, current: StoredTicket | undefined): { actor: Actor } | Refused<Refusal> {
    if (current === undefined) return refuse('not-found');
    if (code !== '') return { actor: { guest: true } };
    // Without a token of theirs it is the gateway that calls, and that has no ticket.
    if (call.caller.kind === 'service') return refuse('sign-in-needed');
    const granted = house.access.permit(call, objectOf(current.state), 'tickets.attach');
    return isRefused(granted) ? hidden(granted, 'not-found') : { actor: house.access.actor(call, granted) };
  }

  /** What stands against it, said before the work of looking at the file is done; the decision says the same again. */
  function obstacle({ state }: StoredTicket): Refused<Refusal> | undefined {
    return hindrance(passTime(state, house.now().toISOString()).now, 'attach');
  }

  /** The file that an earlier call with the same key has added. */
  function addedBefore({ history }: StoredTicket, command: string): string {
    const entry = history.find((one) => one.command === command && one.type === 'evidence-added');
    return entry?.type === 'evidence-added' ? entry.data.file : '';
  }

  return {
    async addEvidence(
      request: contract.AddEvidenceRequest,
      call: Call,
    ): Promise<contract.AddEvidenceResponse | Refused<Refusal>> {
      const id = await idOf(request);
      const before = id === undefined ? undefined : await tickets.read(id);
      const admitted = admit(request, call, before);
      if (id === undefined || before === undefined || isRefused(admitted)) {
        return isRefused(admitted) ? admitted : refuse('not-found');
      }
      const by = request.code === '' ? callerKey(call) : followerKey(before.state);
      const context = house.access.context(call);
      const repeated = before.history.some(({ command }) => command === context.id);
      const stopped = repeated ? undefined : obstacle(before);
      if (stopped !== undefined) return stopped;
      if (request.content.length > largestFile) return refuse('file-too-large', { field: 'file' });
      const inspected = await inspect(request.content, call.signal);
      if (isRefused(inspected)) return refusedFile(inspected);
      const { kind, content } = inspected;
      const file = await files.keep(inspected, { owner: id, by });
      const outcome = await tickets.run<Refusal>(id, context, (current) => {
        // What was true before the file was looked at need not be so any more.
        const still = admit(request, call, current);
        if (isRefused(still)) return still;
        return {
          command: { type: 'attach', at: context.at, by, file, kind, bytes: content.length },
          actor: still.actor,
        };
      });
      if (isRefused(outcome)) {
        await files.remove(file);
        return outcome;
      }
      const { stored, replayed } = outcome;
      if (replayed) {
        await files.remove(file);
        call.replayed();
      } else await files.confirm(file);
      const named = replayed ? addedBefore(stored, context.id) : file;
      return request.code === ''
        ? { ticket: present(desk, call, stored), followed: undefined, file: named }
        : { ticket: undefined, followed: await followedTicket(desk, stored), file: named };
    },

    async getEvidence(
      request: contract.GetEvidenceRequest,
      call: Call,
    ): Promise<contract.EvidenceFile | Refused<Refusal>> {
      const id = await idOf(request);
      const stored = id === undefined ? undefined : await tickets.read(id);
      if (stored === undefined) return refuse('not-found');
      if (request.code === '') {
        if (call.caller.kind === 'service') return refuse('sign-in-needed');
        const granted = house.access.permit(call, objectOf(stored.state), 'tickets.read');
        if (isRefused(granted)) return hidden(granted, 'not-found');
      }
      // Only what this ticket names: an id of another's file opens nothing.
      if (!(stored.state.evidence ?? []).some(({ file }) => file === request.file)) return refuse('not-found');
      const found = await files.read(request.file, request.small ? 'small' : 'whole');
      if (found === undefined) return refuse('file-erased');
      const { kind, type, content } = found;
      return { kind: spelledKind[kind], type, content: Buffer.from(content) };
    },
  };
}
