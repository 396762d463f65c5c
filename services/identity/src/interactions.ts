import type { IncomingMessage, ServerResponse } from 'node:http';
import { networkOf } from '@bandeng/service';
import { errors, type Interaction, type Provider } from 'oidc-provider';
import { pageLanguage } from './page-texts.ts';
import { continuePage, expiredPage, type Page, type PageContext, signInPage } from './pages.ts';
import type { People, SignIn } from './sign-in.ts';

/** What the pages of a sign-in need. */
export interface Interactions {
  readonly provider: Provider;
  readonly people: People;
  readonly signIn: SignIn;
}

/** Where the pages of a sign-in are, under the issuer's path. */
export const interactionPath = '/interaction/';

const largestForm = 16 * 1024;

/**
 * Shows and takes the pages of one sign-in. The sign-in is found by its cookie alone, which is bound to this path, HttpOnly
 * and SameSite=Lax: a form on another site can neither read nor send it, so no further token against forged forms is needed.
 */
export async function handleInteraction(
  { provider, people, signIn }: Interactions,
  address: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chosen = address.searchParams.get('lang');
  const accepted = request.headers['accept-language'];
  let interaction: Interaction;
  try {
    interaction = await provider.interactionDetails(request, response);
  } catch (error) {
    if (!(error instanceof errors.SessionNotFound)) throw error;
    return answer(response, expiredPage({ language: pageLanguage({ chosen, accepted }) }));
  }
  const language = pageLanguage({ chosen, uiLocales: interaction.params.ui_locales, accepted });
  const client = await provider.Client.find(String(interaction.params.client_id));
  const context = {
    language,
    otherLanguage: `${address.pathname}?lang=${language === 'en' ? 'zh-CN' : 'en'}`,
    formTargets: targetsOf(interaction.params.redirect_uri),
    action: `${address.pathname}?lang=${language}`,
    client: client?.clientName ?? '',
  };
  const present = interaction.prompt.name === 'consent' ? await personOf(people, interaction) : undefined;
  const finish = (result: Parameters<Provider['interactionFinished']>[2]) =>
    provider.interactionFinished(request, response, { ...result, language }, { mergeWithLastSubmission: true });

  if (request.method === 'GET' || request.method === 'HEAD') {
    if (present !== undefined) return answer(response, continuePage({ ...context, name: present.name }));
    return answer(response, signInPage({ ...context, login: loginHint(interaction) }));
  }
  if (request.method !== 'POST') {
    response.writeHead(405, { allow: 'GET, HEAD, POST' }).end();
    return;
  }
  const form = await readForm(request);
  if (form === undefined)
    return answer(response, signInPage({ ...context, login: '', failure: { kind: 'incomplete' } }));
  if (form.has('cancel')) return finish({ error: 'access_denied', error_description: 'the person did not sign in' });
  if (present !== undefined && form.has('continue')) return finish({ consent: {} });
  if (present !== undefined && form.has('other')) return answer(response, signInPage({ ...context, login: '' }));

  const login = form.get('login') ?? '';
  const password = form.get('password') ?? '';
  if (login === '' || password === '') {
    return answer(response, signInPage({ ...context, login, failure: { kind: 'incomplete' } }));
  }
  const ownPassword = form.get('chosen') ?? '';
  if (ownPassword !== (form.get('chosenAgain') ?? '')) {
    const failure = { kind: 'choose-password', fault: 'different' } as const;
    return answer(response, signInPage({ ...context, login, failure }));
  }
  const from = networkOf(String(request.headers['x-forwarded-for'] ?? ''));
  const signedIn = await signIn({ login, password, chosen: ownPassword, from });
  switch (signedIn.outcome) {
    case 'wrong':
    case 'crowded':
      return answer(response, signInPage({ ...context, login, failure: { kind: signedIn.outcome } }));
    case 'locked':
      return answer(
        response,
        signInPage({ ...context, login, failure: { kind: 'locked', seconds: signedIn.seconds } }),
      );
    case 'choose-password': {
      const failure = { kind: 'choose-password', fault: signedIn.fault } as const;
      return answer(response, signInPage({ ...context, login, failure }));
    }
    case 'signed-in':
      // Signing in on the application's behalf is the consent: our own clients ask for nothing that needs another.
      return finish({ login: { accountId: signedIn.person.id, amr: ['pwd'], remember: false }, consent: {} });
  }
}

/** Sends a page. */
function answer(response: ServerResponse, page: Page): void {
  response.writeHead(page.status, { ...page.headers, 'content-length': Buffer.byteLength(page.html) });
  response.end(response.req.method === 'HEAD' ? undefined : page.html);
}

/** The language of a page that is not at the address of a sign-in. */
export function contextOf(request: IncomingMessage, uiLocales: unknown, chosen?: string): PageContext {
  return { language: pageLanguage({ chosen, uiLocales, accepted: request.headers['accept-language'] }) };
}

/** The language in which a person saw the pages of a sign-in, once they are through. */
export function languageChosen(interaction: Interaction | undefined): string | undefined {
  const language = interaction?.result?.language;
  return typeof language === 'string' ? language : undefined;
}

async function personOf(people: People, interaction: Interaction) {
  const id = interaction.session?.accountId;
  return id === undefined ? undefined : people.byId(id);
}

function loginHint({ params }: Interaction): string {
  return typeof params.login_hint === 'string' ? params.login_hint.slice(0, 100) : '';
}

/** The origin of an address that the browser is sent on to, or the scheme of an application that has no origin. */
export function targetsOf(address: unknown): string[] {
  const target = typeof address === 'string' ? URL.parse(address) : null;
  if (target === null) return [];
  return [target.origin === 'null' ? target.protocol : target.origin];
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  if (!/^application\/x-www-form-urlencoded\b/.test(request.headers['content-type'] ?? '')) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > largestForm) return undefined;
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString());
}
