import { given } from '@bandeng/decider/testing';
import { expect, it } from 'vitest';
import { branchesOf, type CategoryEvent, categoryDecider, categoryId } from './category.ts';

const path = ['城乡建设', '市政管理', '园林绿化'];
const registered: CategoryEvent = {
  type: 'registered',
  data: { path, branches: ['城乡建设', '城乡建设.市政管理', '城乡建设.市政管理.园林绿化'], externalCode: 'A-1' },
};

it('a category is found by every branch above it', () => {
  expect(categoryId(path)).toBe('城乡建设.市政管理.园林绿化');
  expect(branchesOf(path)).toEqual(registered.data.branches);
});

it('a category is registered with the code of the city’s own list', () => {
  given(categoryDecider).when({ path, externalCode: 'A-1' }).thenEvents(registered);
});

it('the same path again changes nothing', () => {
  given(categoryDecider, registered).when({ path }).thenNothing();
});
