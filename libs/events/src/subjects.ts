/** Parts of a territory's code down to the cell; a building's own three digits are not in a subject. */
const PARTS = [2, 2, 2, 3, 3, 3] as const;
const CODE = /^\d{2}(?:\d{2}(?:\d{2}(?:\d{3}(?:\d{3}(?:\d{3}(?:\d{3})?)?)?)?)?)?$/;

/** The parts of a code that go into a subject, from the province down. Throws for what is no code. */
function partsOf(territory: string): string[] {
  if (!CODE.test(territory)) throw new RangeError(`not a territory code: ${JSON.stringify(territory)}`);
  const parts: string[] = [];
  let from = 0;
  for (const length of PARTS) {
    if (from >= territory.length) break;
    parts.push(territory.slice(from, from + length));
    from += length;
  }
  return parts;
}

/** The stream of a service. */
export function streamOf(service: string): string {
  return `EV_${service.toUpperCase()}`;
}

/** What the stream of a service takes. */
export function subjectsOf(service: string): string {
  return `ev.${service}.>`;
}

/** The core subject that wakes the relay of a service. */
export function wakeSubject(service: string): string {
  return `wake.${service}`;
}

/** The core subject of the hints of a service. */
export function hintSubject(service: string): string {
  return `hint.${service}`;
}

/**
 * The subject of an event: always nine tokens, `_` where the code ends, so that filters on subjects are territorial access.
 * A building's events carry its compound's cell.
 */
export function eventSubject(service: string, event: string, territory: string): string {
  const parts = partsOf(territory);
  return ['ev', service, event, ...PARTS.map((_, level) => parts[level] ?? '_')].join('.');
}

/** The subjects of these events (all when none is named) in these territories and below (everywhere when none is named). */
export function filterSubjects(
  service: string,
  events: readonly string[],
  territories: readonly string[],
): readonly string[] {
  const names = events.length === 0 ? ['*'] : [...new Set(events)];
  const places = territories.length === 0 ? ['>'] : outermost(territories.map((code) => partsOf(code).join('.')));
  return names.flatMap((name) =>
    places.map((place) => {
      const whole = place !== '>' && place.split('.').length === PARTS.length;
      return `ev.${service}.${name}.${place}${place === '>' || whole ? '' : '.>'}`;
    }),
  );
}

/** The server refuses filters that overlap: a place inside another one named is left out. */
function outermost(places: readonly string[]): string[] {
  const different = [...new Set(places)];
  return different.filter((place) => !different.some((other) => other !== place && place.startsWith(`${other}.`)));
}
