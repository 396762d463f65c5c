/** Who reads a setting. */
export type Reader =
  | 'every service'
  | 'gateway'
  | 'identity'
  | 'notifications'
  | 'tickets'
  | 'launcher'
  | 'development';

/** A variable of the environment. */
export interface Setting {
  /** `<NAME>` stands for what is filled in. */
  readonly name: string;
  readonly by: Reader;
  readonly meaning: string;
  /** In words; where the code has a literal, the generator takes that one and this is left out. */
  readonly standard?: string;
}

/**
 * Every variable that Bandeng reads, in one place. A test compares it with the names in the sources, both ways, so a new
 * setting needs its row here.
 */
export const settings: readonly Setting[] = [
  {
    name: 'MONGODB_URI',
    by: 'every service',
    meaning: 'The MongoDB replica set. The launcher starts one of its own when it is not set',
    standard: '`mongodb://127.0.0.1:27017/?replicaSet=bandeng`',
  },
  {
    name: 'BANDENG_<SERVICE>_MONGODB_URI',
    by: 'every service',
    meaning: 'The same for one service, with a user that sees no other database',
    standard: '`MONGODB_URI`',
  },
  {
    name: 'NATS_URL',
    by: 'every service',
    meaning:
      'NATS with JetStream, with user and password if needed. The launcher starts one of its own when it is not set',
    standard: '`nats://127.0.0.1:4222`',
  },
  {
    name: 'BANDENG_STREAM_REPLICAS',
    by: 'every service',
    meaning:
      'How many servers of a NATS cluster keep each stream; 3 outlive the loss of one. Changes streams that are there',
  },
  { name: 'BANDENG_DATABASE_PREFIX', by: 'every service', meaning: 'Databases are called `<prefix>_<service>`' },
  {
    name: 'BANDENG_DATA',
    by: 'every service',
    meaning: 'Folder of keys and, when the launcher starts them, of the data of MongoDB and NATS. Back it up',
    standard: '`.bandeng/data`',
  },
  {
    name: 'BANDENG_RUN',
    by: 'every service',
    meaning: 'Folder of sockets and process ids',
    standard: '`.bandeng/run`',
  },
  {
    name: 'BANDENG_<SERVICE>_ADDRESS',
    by: 'every service',
    meaning:
      'Where a service answers gRPC: `unix:<path>`, `<host>:<port>`, `dns:///<name>:<port>` or, for several replicas, `ipv4:<address>:<port>,<address>:<port>`',
    standard: 'a socket in `BANDENG_RUN`',
  },
  {
    name: 'BANDENG_ISSUER',
    by: 'every service',
    meaning: 'The issuer whose tokens of people and systems count, as its discovery document spells it',
    standard: '`http://localhost:<port>/oidc`',
  },
  {
    name: 'BANDENG_CITY',
    by: 'every service',
    meaning: 'Code of the city: the first four digits of the national code',
  },
  {
    name: 'BANDENG_KEY_<NAME>',
    by: 'every service',
    meaning:
      'A secret key: 32 bytes in base64. `PAGES` (page tokens; the same for all replicas of a service), `FOLLOW_CODE` (tickets), `CONTACTS`, `COOKIES`, `REQUESTS`, `SIGN_IN_ATTEMPTS` (identity)',
    standard: 'made once in `BANDENG_DATA/keys`',
  },
  {
    name: 'BANDENG_SERVICE_KEY_<SERVICE>',
    by: 'every service',
    meaning:
      'The Ed25519 key by which a service says who it is, as a JSON Web Key with `kid` the name of the service. A service needs the private key of its own and the public keys of the others',
    standard: 'made once in `BANDENG_DATA/keys`',
  },
  { name: 'BANDENG_LOG_LEVEL', by: 'every service', meaning: '`debug`, `info`, `warn`, `error` or `silent`' },
  { name: 'BANDENG_REFLECTION', by: 'every service', meaning: 'gRPC reflection: `on` or `off`' },
  {
    name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    by: 'every service',
    meaning: 'Where traces and metrics are sent (OpenTelemetry); nowhere when it is not set',
    standard: 'none',
  },
  {
    name: 'OTEL_SDK_DISABLED',
    by: 'every service',
    meaning: '`true`: no traces and no trace ids',
    standard: '`false`',
  },
  {
    name: 'OTEL_SERVICE_NAME',
    by: 'every service',
    meaning: 'The name under which a process reports to a collector',
    standard: 'the service; `bandeng` where all run in one process',
  },
  { name: 'OTEL_TRACES_SAMPLER', by: 'every service', meaning: 'Which traces are kept' },
  { name: 'OTEL_TRACES_SAMPLER_ARG', by: 'every service', meaning: 'Which part of them' },
  {
    name: 'OTEL_METRICS_EXPORTER',
    by: 'every service',
    meaning: 'Where metrics go',
    standard: '`otlp` with an endpoint, else `none`',
  },
  { name: 'OTEL_LOGS_EXPORTER', by: 'every service', meaning: 'Logs go to standard output; `otlp` sends them too' },
  { name: 'OTEL_LOG_LEVEL', by: 'every service', meaning: 'What OpenTelemetry says of itself' },

  {
    name: 'BANDENG_HOST',
    by: 'gateway',
    meaning:
      'Address it listens at; `0.0.0.0` for all. With another than `127.0.0.1` set `BANDENG_PUBLIC_URL` and `BANDENG_ISSUER` as well',
  },
  { name: 'BANDENG_PORT', by: 'gateway', meaning: 'Port it listens at' },
  {
    name: 'BANDENG_PUBLIC_URL',
    by: 'gateway',
    meaning: 'Address by which clients reach it',
    standard: '`http://localhost:<port>`',
  },
  {
    name: 'BANDENG_TRUSTED_HOPS',
    by: 'gateway',
    meaning: 'How many proxies stand before it; exactly so many `X-Forwarded-For` are believed',
  },
  { name: 'BANDENG_ORIGINS', by: 'gateway', meaning: 'Origins whose pages may call it, by comma', standard: 'none' },
  { name: 'BANDENG_RATE_LIMIT', by: 'gateway', meaning: 'Limits on requests: `on` or `off`' },
  { name: 'BANDENG_RATE_TOKEN', by: 'gateway', meaning: 'Requests a minute of one token' },
  { name: 'BANDENG_RATE_ADDRESS', by: 'gateway', meaning: 'Requests a minute of one address' },
  { name: 'BANDENG_RATE_GUEST_ORDERS', by: 'gateway', meaning: 'Orders a minute without a token, of one address' },
  { name: 'BANDENG_RATE_FOLLOW_CODES', by: 'gateway', meaning: 'Follow codes a minute, of one address' },
  { name: 'BANDENG_RATE_SIGN_INS', by: 'gateway', meaning: 'Sign-ins begun and passwords a minute, of one address' },
  {
    name: 'BANDENG_MOST_DELAY_MS',
    by: 'gateway',
    meaning: 'Delay of the event loop above which requests are answered 503; 0: never',
  },
  { name: 'BANDENG_BUDGET_MS', by: 'gateway', meaning: 'What a request may take' },
  {
    name: 'BANDENG_DRAIN_MS',
    by: 'gateway',
    meaning:
      'How long it goes on answering after it was told to stop; 10,000 at most, for the process ends 20 s after SIGTERM',
  },
  { name: 'BANDENG_HEARTBEAT_MS', by: 'gateway', meaning: 'Pause between heartbeats of a stream' },
  { name: 'BANDENG_STREAMS', by: 'gateway', meaning: 'Most streams at a time' },
  { name: 'BANDENG_EXPORT_ROWS', by: 'gateway', meaning: 'Most rows of a list that is exported' },
  {
    name: 'BANDENG_OPENAPI',
    by: 'gateway',
    meaning: 'The OpenAPI document that is served',
    standard: '`proto/openapi.json`',
  },
  {
    name: 'BANDENG_IDENTITY_WEB',
    by: 'gateway',
    meaning: "Where identity's sign-in pages are: `unix:<path>` or `http://<host>:<port>`. Identity reads it too",
    standard: 'a socket in `BANDENG_RUN`',
  },

  {
    name: 'BANDENG_EMBEDDED_PROVIDER',
    by: 'identity',
    meaning: "`off`: people sign in at `BANDENG_ISSUER`, the city's own issuer. The gateway reads it too",
  },
  {
    name: 'BANDENG_SIGNING_KEYS',
    by: 'identity',
    meaning: 'Private JSON Web Key Set with an EdDSA and an ES256 key; the first of each signs, all are published',
    standard: 'made once in `BANDENG_DATA/keys`',
  },
  { name: 'BANDENG_ACCESS_TOKEN_SECONDS', by: 'identity', meaning: 'How long an access token lives', standard: '900' },
  {
    name: 'BANDENG_WEB_REDIRECT_URIS',
    by: 'identity',
    meaning: 'Where the console comes back to after signing in, by comma',
    standard: "at the issuer's origin",
  },
  {
    name: 'BANDENG_WEB_SIGNED_OUT_URIS',
    by: 'identity',
    meaning: 'Where it comes back to after signing out, by comma',
    standard: "at the issuer's origin",
  },

  {
    name: 'BANDENG_SMTP_URL',
    by: 'notifications',
    meaning: 'The mail server, `smtp://<user>:<password>@<host>:<port>` or `smtps://…`; without it no e-mail is sent',
    standard: 'none',
  },
  {
    name: 'BANDENG_MAIL_FROM',
    by: 'notifications',
    meaning: 'The sender of e-mails; needed with `BANDENG_SMTP_URL`',
    standard: 'none',
  },

  {
    name: 'BANDENG_FILES',
    by: 'tickets',
    meaning: "Where photos and documents lie: `database`, the service's own (GridFS), or `s3`",
  },
  { name: 'BANDENG_S3_ENDPOINT', by: 'tickets', meaning: 'Address of the store; needed with `s3`', standard: 'none' },
  { name: 'BANDENG_S3_BUCKET', by: 'tickets', meaning: 'Name of the bucket; needed with `s3`', standard: 'none' },
  { name: 'BANDENG_S3_REGION', by: 'tickets', meaning: 'Region of the bucket' },
  {
    name: 'BANDENG_S3_ACCESS_KEY_ID',
    by: 'tickets',
    meaning: 'Id of the access key; needed with `s3`',
    standard: 'none',
  },
  {
    name: 'BANDENG_S3_SECRET_ACCESS_KEY',
    by: 'tickets',
    meaning: 'The access key; needed with `s3`',
    standard: 'none',
  },

  { name: 'BANDENG_LOG', by: 'launcher', meaning: 'Folder of logs' },
  {
    name: 'BANDENG_URL',
    by: 'launcher',
    meaning: 'The gateway that `token`, `demo` and `import` talk to',
    standard: 'the running installation',
  },
  {
    name: 'BANDENG_CLIENT_ID',
    by: 'launcher',
    meaning: 'The system as which `import` signs in',
    standard: "the demo city's",
  },
  { name: 'BANDENG_CLIENT_SECRET', by: 'launcher', meaning: 'Its secret', standard: "the demo city's" },
  {
    name: 'XDG_CACHE_HOME',
    by: 'launcher',
    meaning: 'Downloads are kept in `bandeng` there',
    standard: '`~/.cache`',
  },
  {
    name: 'BANDENG_CALLED_FROM',
    by: 'launcher',
    meaning: 'Set by `./bandeng`: the folder it was called in',
    standard: 'none',
  },
  {
    name: 'BANDENG_FAIL_POINT',
    by: 'development',
    meaning: 'Where the relay kills its process, for tests of resilience',
    standard: 'none',
  },
  {
    name: 'BANDENG_FAIL_SIGNAL',
    by: 'development',
    meaning: 'By which signal it does so',
    standard: '`SIGKILL`',
  },
];
