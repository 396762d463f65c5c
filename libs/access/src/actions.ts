/** Everything that can be permitted. The actions that the contracts name, and ordering on another's behalf. */
export const actions = [
  'tickets.read',
  'tickets.import',
  'tickets.order',
  'tickets.dispatch',
  'tickets.accept',
  'tickets.decline',
  'tickets.note',
  'tickets.resolve',
  'tickets.rate',
  'tickets.reject',
  'tickets.withdraw',
  'tickets.suspend',
  'tickets.resume',
  'tickets.attach',
  'categories.register',
  'units.register',
  'territories.register',
  'postings.start',
  'postings.read',
  'postings.end',
  'accounts.register',
  'accounts.read',
  'deliveries.read',
  'accounts.erase',
  'contacts.read',
  'clients.register',
  'clients.read',
  'clients.end',
] as const;

/**
 * A noun and a verb, for example `tickets.dispatch`. Two are named by no RPC with a route of its own: `tickets.order` is
 * ordering on behalf, or as another system; `tickets.attach` is adding photos and documents.
 */
export type Action = (typeof actions)[number];

/** Whether a word is the name of an action. */
export function isAction(word: string): word is Action {
  return actions.some((action) => action === word);
}

/** Reading needs no one capacity: all rights count together. A contact is read in one, for every reading is recorded. */
export function isReading(action: Action): boolean {
  return action.endsWith('.read') && action !== 'contacts.read';
}

/** Actions whose object is a place for something that is not there yet: refusing them reveals nothing. */
const creating: ReadonlySet<Action> = new Set<Action>([
  'tickets.order',
  'tickets.import',
  'categories.register',
  'units.register',
  'territories.register',
  'postings.start',
  'accounts.register',
  'clients.register',
]);

/** The action by which the object of this action is seen; none when there is no object yet. */
export function readingOf(action: Action): Action | undefined {
  if (creating.has(action)) return undefined;
  const reading = `${action.slice(0, action.indexOf('.'))}.read`;
  return isAction(reading) ? reading : undefined;
}
