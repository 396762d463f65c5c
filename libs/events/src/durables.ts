import {
  AckPolicy,
  type ConsumerMessages,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  type JsMsg,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import { type NatsConnection, nanos } from '@nats-io/transport-node';
import { streamState } from './streams.ts';

/** Up to where a durable has handled everything, in which incarnation of the stream. */
export interface Floor {
  readonly created: string;
  readonly sequence: number;
}

/** Which durable of a stream is taken over, and what it hands out. */
export interface DurableOptions {
  readonly stream: string;
  readonly name: string;
  readonly filters: readonly string[];
  /** Messages in hand at most. */
  readonly inHand: number;
  /** What we know ourselves, should the durable be gone. */
  readonly floor: Floor | undefined;
  /** Called with the floor before the durable is made anew, so that a crash in between loses nothing. */
  keep(floor: Floor): Promise<void>;
}

/** A durable that is ours alone from now on, and what comes of it. */
export interface Durable {
  readonly created: string;
  /** The sequence up to which all was handled before. */
  readonly floor: number;
  readonly messages: ConsumerMessages;
}

const ACK_WAIT = 30_000;

/**
 * Makes the durable anew from its ack floor, so that a former holder gets nothing more and the order starts where everything
 * before is done. Undefined when the stream is not there yet.
 */
export async function takeDurable(connection: NatsConnection, options: DurableOptions): Promise<Durable | undefined> {
  const { stream, name } = options;
  const state = await streamState(connection, stream);
  if (state === undefined) return undefined;
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const acked = await ackFloor(manager, stream, name);
  const kept = options.floor?.created === state.created ? options.floor.sequence : 0;
  const floor = Math.min(Math.max(acked ?? 0, kept), state.last);
  await options.keep({ created: state.created, sequence: floor });
  if (acked !== undefined) await manager.consumers.delete(stream, name);
  await manager.consumers.add(stream, {
    durable_name: name,
    filter_subjects: [...options.filters],
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: floor + 1,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ACK_WAIT),
    max_deliver: -1,
    max_ack_pending: options.inHand,
  });
  const consumer = await jetstream(connection).consumers.get(stream, name);
  const messages = await consumer.consume({
    max_messages: options.inHand,
    expires: 10_000,
    idle_heartbeat: 2_000,
    abort_on_missing_resource: true,
  });
  return { created: state.created, floor, messages };
}

async function ackFloor(manager: JetStreamManager, stream: string, name: string): Promise<number | undefined> {
  try {
    const info = await manager.consumers.info(stream, name);
    return info.ack_floor.stream_seq;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound) return undefined;
    throw error;
  }
}

/** Says `working()` for all that is in hand before their time is over. Answers how to end that. */
export function keepWorking(inHand: ReadonlyMap<number, JsMsg>): () => void {
  const clock = setInterval(() => {
    for (const message of inHand.values()) message.working();
  }, ACK_WAIT / 3);
  return () => clearInterval(clock);
}
