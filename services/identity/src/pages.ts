import { createHash } from 'node:crypto';
import type { Language } from './domain/account.ts';
import { type PageTexts, pageTexts } from './page-texts.ts';
import { passwordLength } from './passwords.ts';

/** A page and what belongs in its headers. Pages are whole without scripts. */
export interface Page {
  readonly status: number;
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A piece of HTML that may go into a page as it is. */
interface Html {
  readonly html: string;
}

/** HTML from a template: what is filled in is text and is escaped, unless it is such a piece itself. */
function html(parts: TemplateStringsArray, ...values: readonly (string | Html)[]): Html {
  const filled = values.map((value) => (typeof value === 'string' ? escaped(value) : value.html));
  return { html: String.raw({ raw: parts }, ...filled) };
}

const nothing: Html = { html: '' };

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

export interface PageContext {
  readonly language: Language;
  /** Address of the same page in the other language. */
  readonly otherLanguage?: string | undefined;
  /** Where a form of the page may end up beside here: browsers hold redirects after a form to the policy too. */
  readonly formTargets?: readonly string[];
}

export interface SignInForm extends PageContext {
  readonly action: string;
  readonly client: string;
  readonly login: string;
  readonly failure?: SignInFailure;
}

type SignInFailure =
  | { readonly kind: 'wrong' | 'incomplete' | 'crowded' }
  | { readonly kind: 'locked'; readonly seconds: number }
  /** The password works once: the page asks for another as well. */
  | { readonly kind: 'choose-password'; readonly fault: keyof PageTexts['choose'] };

/** The page on which a person signs in. After a failure the alert has the focus of screen readers and the fields say so. */
export function signInPage(form: SignInForm): Page {
  const texts = pageTexts[form.language];
  const message = form.failure === undefined ? undefined : messageOf(form.failure, texts);
  const fault: Html =
    message === undefined
      ? nothing
      : { html: `${isOfTheFields(form.failure) ? ' aria-invalid="true"' : ''} aria-describedby="fault"` };
  const focus = (field: 'login' | 'password'): Html =>
    (field === 'login') === (form.login === '') ? { html: ' autofocus' } : nothing;
  const body = html`<h1>${texts.signIn}</h1>
<p id="for">${texts.forClient(form.client)}</p>
${message === undefined ? nothing : html`<p id="fault" class="fault" role="alert">${message}</p>`}
<form method="post" action="${form.action}">
<label for="login">${texts.login}</label>
<input id="login" name="login" value="${form.login}" type="text" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="100" required${fault}${focus('login')}>
<label for="password">${texts.password}</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="200" required${fault}${focus('password')}>
${form.failure?.kind === 'choose-password' ? chosenFields(texts) : nothing}
<button class="main" type="submit">${texts.signIn}</button>
<button type="submit" name="cancel" value="yes" formnovalidate>${texts.cancel}</button>
</form>`;
  const page = frame(statusOf(form.failure), texts.signIn, form, body);
  const wait = waitAfter(form.failure);
  return wait === undefined ? page : { ...page, headers: { ...page.headers, 'retry-after': String(wait) } };
}

/** Whether something is wrong with what was typed; whoever has to wait has done nothing wrong. */
function isOfTheFields(failure: SignInFailure | undefined): boolean {
  return failure?.kind !== 'locked' && failure?.kind !== 'crowded';
}

/** In how many seconds another try makes sense, where it does not at once. */
function waitAfter(failure: SignInFailure | undefined): number | undefined {
  if (failure?.kind === 'locked') return failure.seconds;
  return failure?.kind === 'crowded' ? 5 : undefined;
}

/** Twice, for nobody sees what they type: a slip would lock them out. */
function chosenFields(texts: PageTexts): Html {
  const field = (name: string, label: string): Html =>
    html`<label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="password" autocomplete="new-password" minlength="${String(passwordLength.least)}" maxlength="${String(passwordLength.most)}" required>
`;
  return html`${field('chosen', texts.chosenPassword)}${field('chosenAgain', texts.chosenAgain)}`;
}

function statusOf(failure: SignInFailure | undefined): number {
  if (failure === undefined) return 200;
  switch (failure.kind) {
    case 'choose-password':
      return failure.fault === 'none-chosen' ? 200 : 400;
    case 'wrong':
      return 403;
    case 'incomplete':
      return 400;
    case 'locked':
      return 429;
    case 'crowded':
      return 503;
  }
}

function messageOf(failure: SignInFailure, texts: PageTexts): string {
  switch (failure.kind) {
    case 'choose-password':
      return texts.choose[failure.fault];
    case 'wrong':
    case 'incomplete':
    case 'crowded':
      return texts[failure.kind];
    case 'locked':
      return texts.locked(failure.seconds);
  }
}

/** Somebody who is signed in already says that an application on this machine may go on as them. */
export function continuePage(form: PageContext & { action: string; client: string; name: string }): Page {
  const texts = pageTexts[form.language];
  const body = html`<h1>${texts.continueTitle}</h1>
<p>${texts.continueAs(form.name)} ${texts.forClient(form.client)}</p>
<form method="post" action="${form.action}">
<button class="main" type="submit" name="continue" value="yes" autofocus>${texts.proceed}</button>
<button type="submit" name="other" value="yes">${texts.otherPerson}</button>
<button type="submit" name="cancel" value="yes">${texts.cancel}</button>
</form>`;
  return frame(200, texts.continueTitle, form, body);
}

/** Asks before signing out. `form` is the provider's own form, which the buttons belong to by its id. */
export function signOutPage(context: PageContext, form: string): Page {
  const texts = pageTexts[context.language];
  const body = html`<h1>${texts.signOut}</h1>
<p>${texts.signOutQuestion}</p>
${{ html: form }}
<button class="main" type="submit" form="op.logoutForm" name="logout" value="yes" autofocus>${texts.signOutYes}</button>
<button type="submit" form="op.logoutForm">${texts.signOutNo}</button>`;
  return frame(200, texts.signOut, context, body);
}

/**
 * The one way on from a form by which the provider hands over: it goes by itself where scripts run, by its button elsewhere.
 * `form` is the provider's own as far as its fields, and so are `script` and the hash by which the policy lets it run.
 */
export function handOverPage(context: PageContext, { form, script }: { form: string; script: string }): Page {
  const texts = pageTexts[context.language];
  const body = html`<h1>${texts.handOver}</h1>
<p>${texts.handOverHint}</p>
${{ html: form }}
<button class="main" type="submit" autofocus>${texts.proceed}</button>
</form>
${{ html: script }}`;
  return frame(200, texts.handOver, context, body);
}

/** Signed out, with no application to go back to. */
export function signedOutPage(context: PageContext): Page {
  const texts = pageTexts[context.language];
  return frame(200, texts.signedOut, context, html`<h1>${texts.signedOut}</h1><p>${texts.closePage}</p>`);
}

/** Says why it cannot go on; `reason` is an OAuth error code with its description. */
export function failurePage(context: PageContext, status: number, reason: string): Page {
  const texts = pageTexts[context.language];
  const body = html`<h1>${texts.failed}</h1>
<p>${texts.startAgain}</p>
<p class="reason">${texts.reason}: ${reason}</p>`;
  return frame(status, texts.failed, context, body);
}

/** The sign-in has taken too long, or was begun in another browser. */
export function expiredPage(context: PageContext): Page {
  const texts = pageTexts[context.language];
  const body = html`<h1>${texts.expired}</h1><p>${texts.startAgain}</p>`;
  return frame(400, texts.expired, context, body);
}

// Text is 18 px and larger, a target 48 px high, contrast at least 7:1, and the focus cannot be overlooked.
const style = `
:root{color-scheme:light;font:112.5%/1.6 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC","WenQuanYi Zen Hei",sans-serif}
*{box-sizing:border-box}
body{margin:0;background:#f4f1ec;color:#1f1a17}
header,main,footer{width:min(27rem,100% - 2rem);margin-inline:auto}
header{display:flex;justify-content:space-between;align-items:center;padding-block:1.5rem .75rem}
header p{margin:0;font-size:1.25rem;font-weight:600;color:#7a2415}
main{background:#fff;border:1px solid #d9d2c7;border-radius:.5rem;padding:1.5rem}
h1{margin:0 0 .5rem;font-size:1.6rem;line-height:1.3}
p{margin:0 0 1rem}
label{display:block;margin:1rem 0 .4rem;font-weight:600}
input[type=text],input[type=password]{width:100%;min-height:3rem;padding:.5rem .75rem;font:inherit;color:inherit;background:#fff;border:2px solid #6f655b;border-radius:.35rem}
input[aria-invalid=true]{border-color:#a3170c}
button{width:100%;min-height:3rem;margin-top:.75rem;padding:.5rem 1rem;font:inherit;font-weight:600;color:#7a2415;background:#fff;border:2px solid #7a2415;border-radius:.35rem;cursor:pointer}
button.main{margin-top:1.5rem;color:#fff;background:#7a2415}
button:hover{text-decoration:underline}
a{display:inline-block;padding:.6rem .25rem;color:#7a2415}
:focus-visible{outline:3px solid #0b4f9e;outline-offset:2px}
.fault{padding:.75rem 1rem;color:#8c1208;background:#fdecea;border-left:.35rem solid #a3170c}
.reason{overflow-wrap:anywhere;color:#4d453d}
@media (forced-colors:active){button.main{border-width:3px}}
`;

const styleSource = `'sha256-${createHash('sha256').update(style).digest('base64')}'`;

/** Headers of every page: nothing is loaded, nothing is framed, nothing is kept. */
export function pageHeaders(formTargets: readonly string[] = []): Record<string, string> {
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': [
      "default-src 'none'",
      // Empty, so that the provider can add the hash of its own where it hands over by a form.
      'script-src',
      `style-src ${styleSource}`,
      ["form-action 'self'", ...formTargets].join(' '),
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'cache-control': 'no-store',
  };
}

function frame(status: number, title: string, context: PageContext, body: Html): Page {
  const { language, otherLanguage, formTargets } = context;
  const texts = pageTexts[language];
  const other = language === 'en' ? 'zh-CN' : 'en';
  const choice =
    otherLanguage === undefined
      ? nothing
      : html`<nav aria-label="${texts.languageChoice}"><a href="${otherLanguage}" lang="${other}" hreflang="${other}">${texts.otherLanguage}</a></nav>`;
  const page = html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} - ${texts.product}</title>
<style>${{ html: style }}</style>
</head>
<body>
<header><p>${texts.product}</p>${choice}</header>
<main>
${body}
</main>
</body>
</html>
`;
  return { status, html: page.html, headers: pageHeaders(formTargets) };
}
