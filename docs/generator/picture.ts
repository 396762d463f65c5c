import type { House, HouseService } from './house.ts';

const column = 250;
const left = 30;
const width = 210;
const top = { gateway: 70, service: 230, bus: 520, database: 410 } as const;

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

function box(x: number, y: number, w: number, h: number, kind: string, lines: readonly string[]): string {
  const texts = lines.map((line, index) => {
    const style = index === 0 ? ' font-weight="bold"' : ' font-size="12"';
    return `<text x="${x + w / 2}" y="${y + 24 + index * 18}" text-anchor="middle"${style}>${escaped(line)}</text>`;
  });
  return [`<rect class="${kind}" x="${x}" y="${y}" width="${w}" height="${h}" rx="8"/>`, ...texts].join('\n');
}

function arrow(kind: 'call' | 'event', points: string): string {
  return `<path class="${kind}" d="${points}" marker-end="url(#${kind})"/>`;
}

/** The house as an SVG: the gateway above, the services with their databases, the bus below. */
export function pictureOf({ services, callsOfAll, followedByAll }: House): string {
  const owners = services.filter(({ hasDatabase }) => hasDatabase);
  const doors = services.filter(({ hasDatabase }) => !hasDatabase);
  const names = owners.map(({ name }) => name);
  const whole = left * 2 + owners.length * column - (column - width);
  const centre = (name: string): number => left + names.indexOf(name) * column + width / 2;
  const height = 660;
  const listening = services.filter(({ listensLive }) => listensLive).map(({ name }) => name);
  const body = [
    box(left, 10, whole - 2 * left, 36, 'outside', ['residents, staff, other systems: HTTP and SSE']),
    ...doors.map(({ name, calls }) =>
      box(left, top.gateway, whole - 2 * left, 56, 'service', [
        name,
        `one route for each call of the contracts${calls.length > 0 ? `; asks ${calls.join(', ')} by itself` : ''}`,
      ]),
    ),
    arrow('call', `M ${whole / 2} 46 V ${top.gateway}`),
    ...owners.flatMap((service) => ownerParts(service, centre(service.name))),
    ...owners.flatMap((service) => callArrows(service, names, centre)),
    box(left, top.bus, whole - 2 * left, 40, 'bus', ['NATS JetStream']),
    ...owners.flatMap((service) => reactionArrows(service, centre)),
    legend(left, top.bus + 70, {
      call: `a call (gRPC); besides, every service asks ${callsOfAll.join(' and ')} for what it keeps close`,
      event: `events, published or reacted to; besides, every service follows ${followedByAll.join(' and ')}, and the ${listening.join(' and ')} all of them for its listeners`,
      own: 'its own database; nobody else reads it',
    }),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${whole} ${height}" width="${whole}" height="${height}" font-family="sans-serif" font-size="15" role="img" aria-label="The services of Bandeng, what they own, call and tell">
<style>
rect { stroke: #334155; fill: #ffffff } .outside { fill: #f1f5f9 } .service { fill: #dbeafe } .bus { fill: #fef3c7 } .database { fill: #dcfce7 }
path { fill: none; stroke-width: 2 } .call { stroke: #1d4ed8 } .event { stroke: #b45309; stroke-dasharray: 6 4 } .own { stroke: #15803d }
</style>
<defs>
<marker id="call" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><polygon points="0,0 8,4 0,8" fill="#1d4ed8"/></marker>
<marker id="event" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><polygon points="0,0 8,4 0,8" fill="#b45309"/></marker>
</defs>
<rect x="0" y="0" width="${whole}" height="${height}" stroke="none"/>
${body.join('\n')}
</svg>
`;
}

function ownerParts(service: HouseService, x: number): string[] {
  const { name, routes, events } = service;
  return [
    arrow('call', `M ${x} ${top.gateway + 56} V ${top.service}`),
    box(x - width / 2, top.service, width, 80, 'service', [
      name,
      `${routes} routes`,
      events.length === 1 ? '1 public event' : `${events.length} public events`,
    ]),
    `<path class="own" d="M ${x - 40} ${top.service + 80} V ${top.database}"/>`,
    box(x - width / 2, top.database, 120, 56, 'database', ['MongoDB', name]),
    ...(events.length > 0 ? [arrow('event', `M ${x + 40} ${top.service + 80} V ${top.bus}`)] : []),
  ];
}

/** Calls to one service share a lane, so that they meet before they arrive. */
function callArrows(
  { name, calls }: HouseService,
  owners: readonly string[],
  centre: (name: string) => number,
): string[] {
  return calls.map((other, index) => {
    const [from, to] = [centre(name), centre(other)];
    const side = Math.sign(to - from);
    const y = top.service - 24 - owners.indexOf(other) * 16;
    return arrow(
      'call',
      `M ${from + side * (30 + index * 14)} ${top.service} V ${y} H ${to - side * 76} V ${top.service}`,
    );
  });
}

function reactionArrows({ name, reactsTo }: HouseService, centre: (name: string) => number): string[] {
  if (reactsTo.length === 0) return [];
  const x = centre(name) + 76;
  return [
    arrow('event', `M ${x} ${top.bus} V ${top.service + 80}`),
    `<text x="${x + 16}" y="${top.bus - 14}" font-size="12" transform="rotate(-90 ${x + 16} ${top.bus - 14})">${escaped(`reacts to ${reactsTo.join(', ')}`)}</text>`,
  ];
}

function legend(x: number, y: number, meanings: Readonly<Record<'call' | 'event' | 'own', string>>): string {
  const line = (kind: 'call' | 'event' | 'own', index: number): string => {
    const at = y + index * 24;
    const head = kind === 'own' ? '' : ` marker-end="url(#${kind})"`;
    return `<path class="${kind}" d="M ${x} ${at} H ${x + 50}"${head}/><text x="${x + 62}" y="${at + 5}" font-size="13">${escaped(meanings[kind])}</text>`;
  };
  return [line('call', 0), line('event', 1), line('own', 2)].join('\n');
}
