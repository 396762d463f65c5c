import type { Action, Role, Where } from '../../libs/access/src/index.ts';
import { ownRights, rightsOfRoles, roles, withoutPersonalData } from '../../libs/access/src/roles.ts';
import type { Contracts } from '../../libs/contracts/src/index.ts';
import { code, page, table } from './pages.ts';

const places: { readonly [W in Where]: string } = {
  territory: 'in the territory of the posting and below',
  'handled-by-unit': "what the posting's unit has or is asked to take",
  'handled-by-grid': "what the posting's grid has or is asked to take",
  'called-to-community': "open calls to the posting's community",
  'handled-by-person': 'what the person took from an open call',
  anywhere: 'everywhere; it is tied to no place',
};

const list = (actions: readonly Action[]): string => actions.map(code).join(', ');

/** Role × actions × where, from the one table of access. */
export function rolesPage(contracts: Contracts): string {
  return page(
    'Roles',
    `Who may do what, and where. A person has a role by a posting: a role at a unit or a territory, for a period. The table in [roles.ts](../../libs/access/src/roles.ts) is the only one; checks and lists use it, and so do \`allowedActions\` of a ticket and \`capacities[].actions\` of \`GET /v1/me\`, by which a front end knows what it may offer.`,
    table(
      ['role', '中文', 'may', 'where'],
      roles.flatMap((role) => {
        const rights = rightsOfRoles[role];
        const names = [code(role), chinese(contracts, role)];
        if (rights.length === 0) return [[...names, 'nothing by itself; what is their own, see below', '']];
        return rights.map(({ where, actions }, index) => [
          ...(index === 0 ? names : ['', '']),
          list(actions),
          role === 'system' ? 'in its own territory and below' : places[where],
        ]);
      }),
    ),
    '## What everybody may do with what is theirs',
    table(
      ['whose', 'may'],
      [
        ['the one who ordered a ticket', list(ownRights.orderer)],
        ['the person a posting or account is about', list(ownRights.person)],
      ],
    ),
    `\`${[...withoutPersonalData].join('` and `')}\` see what they read without the personal data in it. \`system\` is another system: nobody holds it by a posting; its token names the scopes, and it does what of the row above its scopes name, in its own territory. The scope \`events\` is no action: it opens [the stream of events](../how-to/events.md).`,
  );
}

/** The Chinese name of a role: the contracts have it beside each value. */
function chinese({ registry, comment }: Contracts, role: Role): string {
  if (role === 'system') return '其他系统';
  const value = registry
    .getEnum('bandeng.orggraph.v1.Role.Value')
    ?.values.find(({ name }) => name === role.toUpperCase());
  return value === undefined ? '' : (/^[^\s:;]+/.exec(comment(value))?.[0] ?? '');
}
