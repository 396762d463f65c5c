/** Registering and reading categories. */
import type * as contract from '@bandeng/contracts/tickets';
import { isRefused, type Refused, refuse } from '@bandeng/decider';
import { prefixes } from '@bandeng/directory';
import type { Call } from '@bandeng/rpc';
import { callerKey, type Desk } from './desk.ts';
import { categoryId } from './domain/category.ts';
import { categoryPage } from './queries.ts';
import type { Refusal } from './refusals.ts';
import { categoryMessage } from './representation.ts';

const usualPage = 100;

export function registering(desk: Desk) {
  const { house, categories } = desk;
  return {
    async registerCategory(
      request: contract.RegisterCategoryRequest,
      call: Call,
    ): Promise<contract.Category | Refused<Refusal>> {
      // The tree is the whole city's, so the right to it is one over the city.
      const granted = house.access.permit(call, { territories: prefixes(house.city) });
      if (isRefused(granted)) return granted;
      const { path, externalCode } = request;
      const command = externalCode === '' ? { path } : { path, externalCode };
      const context = { ...house.access.context(call, granted), rehearsal: request.dryRun };
      let known = false;
      const outcome = await categories.run(categoryId(path), context, (current) => {
        known = current !== undefined;
        return { command };
      });
      if (isRefused(outcome)) return outcome;
      if (outcome.replayed || known) call.replayed();
      return categoryMessage(outcome.stored);
    },

    async listCategories(
      request: contract.ListCategoriesRequest,
      call: Call,
    ): Promise<contract.ListCategoriesResponse | Refused<Refusal>> {
      const { parent, pageToken } = request;
      const sealed = `categories ${parent}`;
      const person = callerKey(call);
      const after = house.pages.open<string>(sealed, person, pageToken);
      if (isRefused(after)) return after;
      const paging = { size: request.pageSize || usualPage, after };
      const page = await categoryPage(categories, parent === '' ? undefined : parent, paging);
      return {
        categories: page.items.map(categoryMessage),
        nextPageToken: house.pages.seal(sealed, person, page.last),
      };
    },

    async getCategory({ id }: contract.GetCategoryRequest): Promise<contract.Category | Refused<Refusal>> {
      const stored = await categories.read(id);
      return stored === undefined ? refuse('not-found') : categoryMessage(stored);
    },
  };
}
