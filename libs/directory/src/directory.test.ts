import { type ListChangesRequest, ListChangesResponse, Posting } from '@bandeng/contracts/orggraph';
import type { LiveHandlers } from '@bandeng/events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Directory, type DirectoryOptions, openDirectory } from './directory.ts';

const community = '459902001001';
const at = new Date('2026-05-01T00:00:00.000Z');
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

function posting(version: number, more: Partial<Posting> = {}): Posting {
  return Posting.fromPartial({ id: 'p', version, person: 'x', role: 'MEMBER', territory: community, ...more });
}
const ended = posting(2, { validUntil: new Date('2026-04-30T00:00:00.000Z') });

/** A bus and an orggraph of which each can be away. */
function surroundings() {
  const state = {
    bus: true,
    answers: true,
    asked: [] as ListChangesRequest[],
    postings: [posting(1)],
    handlers: undefined as LiveHandlers | undefined,
    connected: undefined as (() => void) | undefined,
  };
  const bus: DirectoryOptions['bus'] = {
    connected: () => state.bus,
    onConnected(fn) {
      state.connected = fn;
      return () => {};
    },
    live(_services, _filter, handlers) {
      state.handlers = handlers;
      return {
        ready: state.bus ? Promise.resolve() : new Promise(() => {}),
        position: () => '',
        silent: () => !state.bus,
        close: async () => {},
      };
    },
  };
  const orggraph = {
    async listChanges(request: ListChangesRequest): Promise<ListChangesResponse> {
      state.asked.push(request);
      if (!state.answers) throw new Error('away');
      return ListChangesResponse.fromPartial({ postings: state.postings, asOf: new Date() });
    },
  };
  return { state, options: { bus, orggraph, log: quiet } };
}

describe('The directory', () => {
  let directory: Directory | undefined;
  afterEach(async () => {
    await directory?.close();
    vi.useRealTimers();
  });

  test('is ready when the whole graph has been read, and waits for orggraph until then', async () => {
    vi.useFakeTimers();
    const { state, options } = surroundings();
    state.answers = false;
    directory = await openDirectory(options);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(directory.ready()).toBe(false);
    state.answers = true;
    await vi.advanceTimersByTimeAsync(2_500);
    expect(directory.ready()).toBe(true);
    expect(directory.postingsOf('x', at)).toHaveLength(1);
  });

  test('reads page after page and asks the next time from ten seconds before the first', async () => {
    vi.useFakeTimers({ now: at });
    const { state, options } = surroundings();
    let pages = 0;
    const orggraph = {
      async listChanges(request: ListChangesRequest): Promise<ListChangesResponse> {
        state.asked.push(request);
        pages += 1;
        const last = request.pageToken === 'second' || request.since !== undefined;
        return ListChangesResponse.fromPartial({ asOf: at, nextPageToken: last ? '' : 'second' });
      },
    };
    directory = await openDirectory({ ...options, orggraph });
    await vi.advanceTimersByTimeAsync(10);
    expect(pages).toBeGreaterThanOrEqual(2);
    expect(state.asked[1]?.pageToken).toBe('second');
    state.connected?.();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(state.asked.at(-1)?.since).toEqual(new Date(at.getTime() - 10_000));
  });

  test('hears of an ended posting from the stream', async () => {
    const { state, options } = surroundings();
    directory = await openDirectory(options);
    await directory.whenReady();
    await state.handlers?.event({
      position: '',
      stream: 'EV_ORGGRAPH',
      sequence: 7,
      event: {
        specversion: '1.0',
        id: 'p:2',
        source: '/bandeng/orggraph',
        type: 'bandeng.orggraph.posting-ended.v1',
        subject: 'p',
        time: at.toISOString(),
        datacontenttype: 'application/json',
        dataschema: '',
        data: { posting: Posting.toJSON(ended) },
        sequence: '2',
        sequencetype: 'Integer',
        territory: community,
      },
    });
    expect(directory.postingsOf('x', at)).toEqual([]);
  });

  test('asks every two seconds while the bus is away, and hardly while it is well', async () => {
    vi.useFakeTimers();
    const { state, options } = surroundings();
    directory = await openDirectory(options);
    await vi.advanceTimersByTimeAsync(3_000);
    const before = state.asked.length;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(state.asked.length).toBe(before);
    state.bus = false;
    state.postings = [ended];
    await vi.advanceTimersByTimeAsync(2_500);
    expect(directory.postingsOf('x', at)).toEqual([]);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(state.asked.length - before).toBeGreaterThanOrEqual(9);
    expect(state.asked.length - before).toBeLessThanOrEqual(13);
  });

  test('asks while the stream is silent although the connection stands, and once more when it is heard again', async () => {
    vi.useFakeTimers();
    const { state, options } = surroundings();
    directory = await openDirectory(options);
    await vi.advanceTimersByTimeAsync(3_000);
    state.handlers?.silent?.();
    const before = state.asked.length;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(state.asked.length - before).toBeGreaterThanOrEqual(4);
    state.postings = [ended];
    state.handlers?.heard?.();
    await vi.advanceTimersByTimeAsync(600);
    expect(directory.postingsOf('x', at)).toEqual([]);
    const heard = state.asked.length;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(state.asked.length).toBe(heard);
  });

  test('knows at once what orggraph itself has just changed', async () => {
    const { options } = surroundings();
    directory = await openDirectory(options);
    await directory.whenReady();
    directory.learn({ postings: [ended] });
    expect(directory.postingsOf('x', at)).toEqual([]);
  });
});
