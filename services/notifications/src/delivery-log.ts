import { isRefused, refuse } from '@bandeng/decider';
import type { Call, Handlers } from '@bandeng/rpc';
import type { CommonRefusal, House } from '@bandeng/service';
import { type DeliveryKey, failedDeliveries, myDeliveries, type StoredDelivery } from './queries.ts';
import type { Deliveries } from './records.ts';
import { channelMeant, deliveryMessage, failureMessage } from './spelling.ts';

type Log = Pick<Handlers<'notifications', CommonRefusal>, 'listMyDeliveries' | 'listFailedDeliveries'>;

/** What was sent, to whom and whether it arrived: for each person their own, for administrators what failed. */
export function deliveryLog({ access, pages }: House, deliveries: Deliveries): Log {
  const reader = ({ caller }: Call): string => (caller.kind === 'person' ? caller.id : '');

  const nextToken = (
    query: string,
    call: Call,
    page: readonly StoredDelivery[],
    size: number,
    at: (last: StoredDelivery) => string | undefined,
  ): string => {
    const last = page.at(-1);
    if (last === undefined || page.length < size) return '';
    return pages.seal(query, reader(call), { at: at(last), id: last.id });
  };

  return {
    async listMyDeliveries({ pageSize, pageToken }, call) {
      const person = reader(call);
      if (person === '') return { deliveries: [], nextPageToken: '' };
      const query = 'deliveries:mine';
      const after = pages.open<DeliveryKey>(query, reader(call), pageToken);
      if (isRefused(after)) return after;
      const size = pageSize || 20;
      const page = await myDeliveries(deliveries, { person, size, after });
      return {
        deliveries: page.map(deliveryMessage),
        nextPageToken: nextToken(query, call, page, size, ({ state }) => state.plannedAt),
      };
    },

    async listFailedDeliveries({ channel, pageSize, pageToken }, call) {
      const permitted = access.filter(call);
      if (permitted === undefined) return refuse('not-permitted');
      const within = '$or' in permitted ? [...permitted.$or] : [permitted];
      const query = `deliveries:failed:${channel}`;
      const after = pages.open<DeliveryKey>(query, reader(call), pageToken);
      if (isRefused(after)) return after;
      // Nothing fails in the inbox.
      if (channel === 'INBOX') return { deliveries: [], nextPageToken: '' };
      const size = pageSize || 20;
      const page = await failedDeliveries(deliveries, { within, channel: channelMeant(channel), size, after });
      return {
        deliveries: page.map(failureMessage),
        nextPageToken: nextToken(query, call, page, size, ({ state }) => state.endedAt),
      };
    },
  };
}
