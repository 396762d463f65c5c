import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { faultsOf } from '../../../proto/faults.ts';
import { readContracts } from './descriptors.ts';
import { descriptors } from './index.ts';

const root = join(import.meta.dirname, '../../..');

/** The faults of a contract whose service and messages are these. */
function faultsIn(contract: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'bandeng-faulty-'));
  try {
    const own = join(folder, 'proto/bandeng');
    mkdirSync(join(own, 'bad/v1'), { recursive: true });
    cpSync(join(root, 'proto/bandeng/options'), join(own, 'options'), { recursive: true });
    cpSync(join(root, 'node_modules/protobufjs/google/api'), join(folder, 'proto/google/api'), { recursive: true });
    writeFileSync(join(folder, 'buf.yaml'), 'version: v2\nmodules:\n  - path: proto\n');
    writeFileSync(
      join(own, 'bad/v1/bad.proto'),
      `syntax = "proto3"; package bandeng.bad.v1;
import "bandeng/options/v1/options.proto"; import "google/api/annotations.proto";
${contract}`,
    );
    const set = join(folder, 'set.binpb');
    execFileSync(join(root, 'node_modules/.bin/buf'), ['build', '--as-file-descriptor-set', '--output', set], {
      cwd: folder,
    });
    return faultsOf(readContracts(readFileSync(set)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const service = (rpcs: string, messages = '') => `
// A service.
service BadService {
${rpcs}
}
// A message.
message Thing {
  // Its id.
  string id = 1;
}
${messages}`;
const get = 'option (google.api.http) = {get: "/v1/things/{id}"};';
const open = 'option (bandeng.options.v1.access) = {public: true};';

test('the contracts are within the subset', () => {
  expect(faultsOf(descriptors())).toEqual([]);
});

test('a contract that is all right has no faults', () => {
  expect(faultsIn(service(`// Gets.\nrpc Get(Thing) returns (Thing) {${get} ${open}}`))).toEqual([]);
});

test('an RPC without access, without a route, or with one although it is internal is a fault', () => {
  const internal = 'option (bandeng.options.v1.access) = {internal: true};';
  expect(
    faultsIn(
      service(`// A.\nrpc A(Thing) returns (Thing) {${get}}
// B.
rpc B(Thing) returns (Thing) {${open}}
// C.
rpc C(Thing) returns (Thing) {option (google.api.http) = {get: "/v1/c"}; ${internal}}`),
    ),
  ).toEqual([
    'bad.A: no access option, or not exactly one rule in it',
    'bad.B: is not internal, so it needs google.api.http',
    'bad.C: is internal, so it has no HTTP binding',
  ]);
});

test.each([
  ['put: "/v1/things/{id}" body: "*"', 'neither get nor post'],
  ['post: "/v1/things/{id}"', "body is not '*'"],
  ['get: "/v1/things/{id}" additional_bindings {get: "/v1/t/{id}"}', 'additional bindings'],
])('a binding as %s is a fault', (binding, why) => {
  const rpc = `// Gets.\nrpc Get(Thing) returns (Thing) {option (google.api.http) = {${binding}}; ${open}}`;
  expect(() => faultsIn(service(rpc))).toThrow(why);
});

test('a path variable that is no field, a query of messages, a stream and a route that is taken are faults', () => {
  const deep = '// Deep.\nmessage Deep {\n// Inside.\nThing thing = 1;\n}';
  const faults = faultsIn(
    service(
      `// A.\nrpc A(Thing) returns (Thing) {option (google.api.http) = {get: "/v1/things/{name}"}; ${open}}
// B.
rpc B(Deep) returns (Thing) {option (google.api.http) = {get: "/v1/deep"}; ${open}}
// C.
rpc C(Thing) returns (stream Thing) {${get} ${open}}`,
      deep,
    ),
  );
  expect(faults.join('\n')).toMatch(/path variable name is no single scalar field/);
  expect(faults.join('\n')).toMatch(/thing cannot be a query parameter/);
  expect(faults.join('\n')).toMatch(/streams are outside the subset/);
  expect(faults.join('\n')).toMatch(/GET \/v1\/things\/\{\} is already the route of bad\.A/);
});

test('whatever has no comment is named', () => {
  const faults = faultsIn(`service BadService { rpc Get(Thing) returns (Thing) {${get} ${open}} }
message Thing { string id = 1; }
message Colour { enum Value { UNSPECIFIED = 0; RED = 1; } }`);
  expect(faults.filter((fault) => fault.endsWith('has no comment')).map((fault) => fault.split(':')[0])).toEqual([
    'bandeng.bad.v1.Thing',
    'bandeng.bad.v1.Thing.id',
    'bandeng.bad.v1.Colour',
    'bandeng.bad.v1.Colour.Value',
    'bandeng.bad.v1.Colour.Value.UNSPECIFIED',
    'bandeng.bad.v1.Colour.Value.RED',
    'bandeng.bad.v1.BadService',
    'bandeng.bad.v1.BadService.Get',
  ]);
});
