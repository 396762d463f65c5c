import { bytesOf } from '@bandeng/contracts';
import { isRefused } from '@bandeng/decider';
import { incoming, type Logger, type Wire } from '@bandeng/telemetry';
import { status } from '@grpc/grpc-js';
import {
  type Caller,
  type Headers,
  headerOf,
  headerProblems,
  IncomingCall,
  readHeaders,
  replayedHeader,
  traceHeader,
} from './call.ts';
import type { Implemented } from './implementation.ts';
import { type Failure, failures, RpcFailure, refusalFailure } from './problems.ts';
import { validator } from './rules.ts';
import { spanOf } from './spans.ts';
import type { Verifier } from './tokens.ts';
import type { Answer, Outcome, UnaryCall } from './unary-server.ts';

/** What answering needs to know. */
export interface AnswerOptions {
  verify: Verifier;
  log: Logger;
  /** Whether an error means that something this service stands on is away for now, a database for example. */
  transient?: (error: unknown) => boolean;
  /** Called after every call with its seconds and outcome: `OK` or the reason of the problem. */
  observe?: (rpc: string, outcome: string, seconds: number) => void;
}

/** Answers the calls of one RPC: every check, then the handler, then its outcome as bytes or as a problem. */
export function answerer({ rpc, handler, refusals }: Implemented, options: AnswerOptions): Answer {
  const { log, observe } = options;
  const fullName = `${rpc.service}.${rpc.name}`;
  const about = { rpc, fullName };
  const faultsOf = validator(rpc.requestType, { form: 'message', rules: true });
  const admit = admission(rpc.access.kind, options.verify);

  async function outcome(grpc: UnaryCall): Promise<Outcome> {
    const headers = readHeaders(grpc.headers);
    const admitted = await admit(headers);
    if ('problem' in admitted) return admitted;
    const wrongHeaders = headerProblems(headers);
    if (wrongHeaders !== undefined) return failures.invalidRequest(wrongHeaders);
    let request: unknown;
    try {
      request = rpc.request.decode(grpc.message);
    } catch {
      return failures.malformed();
    }
    const wrongFields = faultsOf(request);
    if (wrongFields !== undefined) return failures.invalidRequest(wrongFields);
    const call = new IncomingCall(about, headers, admitted, request, {
      deadline: new Date(grpc.deadline),
      onEnd: grpc.onEnd,
    });
    const answer = await handler(request, call);
    if (isRefused(answer)) return refusalFailure(answer, refusals);
    const bytes = bytesOf(rpc.response, answer);
    return call.isReplayed ? { bytes, headers: { [replayedHeader]: 'true' } } : { bytes };
  }

  function thrown(error: unknown): Failure {
    const failed = awayFailure(error, options.transient);
    if (failed === undefined) {
      log.error({ err: error, rpc: fullName }, 'a call failed by a fault of ours');
      return failures.internal();
    }
    log.warn({ err: error, rpc: fullName }, 'a call failed because something is away');
    return failed;
  }

  const span = spanOf(rpc);

  return (grpc, done) =>
    incoming(
      headerOf(grpc.headers, traceHeader),
      span.name,
      () => span.about,
      (end) => start(grpc, done, end),
    );

  function start(grpc: UnaryCall, done: (outcome: Outcome) => void, end: Wire['end'] | undefined): Promise<void> {
    const started = observe === undefined ? 0 : performance.now();
    let answered = false;
    const finish = (result: Outcome) => {
      if (answered) return;
      answered = true;
      done(result);
      const reason = 'problem' in result ? result.problem.reason : undefined;
      observe?.(fullName, reason ?? 'OK', (performance.now() - started) / 1_000);
      end?.({ 'rpc.grpc.status_code': 'problem' in result ? result.code : status.OK }, reason);
    };
    grpc.onEnd((late) => {
      if (late) finish(failures.deadlineExceeded());
    });
    return outcome(grpc).then(finish, (error) => finish(thrown(error)));
  }
}

/** Who calls, if the access rule lets them in. */
function admission(access: Implemented['rpc']['access']['kind'], verify: Verifier) {
  async function tokenOf(header: string): Promise<Caller | Failure> {
    if (!/^bearer /i.test(header)) return failures.tokenInvalid('not a bearer token');
    const caller = await verify(header.slice('bearer '.length));
    return 'invalid' in caller ? failures.tokenInvalid(caller.invalid) : caller;
  }

  return async ({ authorization, serviceAuthorization, ownAccount }: Headers): Promise<Caller | Failure> => {
    const service = serviceAuthorization === undefined ? undefined : await tokenOf(serviceAuthorization);
    if (service !== undefined && 'problem' in service) return service;
    if (service !== undefined && service.kind !== 'service') return failures.tokenInvalid('not a token of a service');
    if (access === 'internal' && service === undefined) return failures.serviceTokenNeeded();
    if (authorization !== undefined) {
      const caller = await tokenOf(authorization);
      if ('kind' in caller && caller.kind === 'service') return failures.tokenInvalid('a token of a service');
      return caller;
    }
    // The gateway passes guests on under its own token: only who says so acts for itself.
    if (service !== undefined && (ownAccount || access === 'internal')) return service;
    return access === 'public' ? { kind: 'guest' } : failures.signInNeeded();
  };
}

/** What a failure of something else means for our caller; undefined for a fault of our own. */
function awayFailure(error: unknown, transient: AnswerOptions['transient']): Failure | undefined {
  if (error instanceof RpcFailure) {
    switch (error.code) {
      case status.UNAVAILABLE:
        return failures.unavailable();
      case status.DEADLINE_EXCEEDED:
        return failures.deadlineExceeded();
      case status.RESOURCE_EXHAUSTED:
        return { code: error.code, problem: error.problem };
      case status.CANCELLED:
        return failures.cancelled();
      default:
        return undefined;
    }
  }
  return transient?.(error) === true ? failures.unavailable() : undefined;
}
