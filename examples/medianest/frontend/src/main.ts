import type { MediaKind } from '@medianest/shared';
import { Api, Refusal } from './api';
import { catalogueRows, emptyText, readRequestForm, requestRows, type Row } from './view';

const api = new Api();
const element = <E extends HTMLElement>(id: string) => document.getElementById(id) as E;
const problem = element('problem');

function show(list: 'catalogue' | 'requests', rows: Row[]): void {
  const filled = rows.length > 0 ? rows : [{ title: emptyText(list), detail: '', badge: '' }];
  element(list).replaceChildren(
    ...filled.map((row) => {
      const item = document.createElement('li');
      for (const part of ['title', 'detail', 'badge'] as const) {
        const span = document.createElement('span');
        span.className = part;
        span.textContent = row[part];
        item.append(span);
      }
      return item;
    }),
  );
}

function tell(words: string): void {
  problem.textContent = words;
  problem.hidden = words === '';
}

/** Runs what a form asks for, and tells what went wrong instead of failing in silence. */
function onSubmit(id: string, act: (data: FormData, form: HTMLFormElement) => Promise<void>): void {
  const form = element<HTMLFormElement>(id);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    tell('');
    act(new FormData(form), form).catch((error: unknown) => {
      tell(error instanceof Refusal ? error.message : 'the library cannot be reached');
    });
  });
}

const showCatalogue = async (data?: FormData) => {
  const kind = (data?.get('kind') ?? '') as MediaKind | '';
  show('catalogue', catalogueRows(await api.catalogue({ q: String(data?.get('q') ?? ''), kind })));
};

const showRequests = async () => show('requests', requestRows(await api.requests()));

onSubmit('search', showCatalogue);

onSubmit('login', async (data, form) => {
  await api.logIn({ name: String(data.get('name')), accessCode: String(data.get('accessCode')) });
  form.hidden = true;
  element('request').hidden = false;
  await showRequests();
});

onSubmit('request', async (data, form) => {
  const wish = readRequestForm(data);
  if (!wish.ok) {
    tell(wish.issues.map((issue) => `${issue.path} ${issue.message}`).join(', '));
    return;
  }
  await api.ask(wish.value);
  form.reset();
  await showRequests();
});

showCatalogue().catch(() => tell('the library cannot be reached'));
